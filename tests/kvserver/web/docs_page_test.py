#!/usr/bin/env python3
"""The pages / and /docs in a real browser.

    docs_page_test.py KVSERVER

Starts the server and a headless Chromium, which is led through chromium-driver's WebDriver: plain
HTTP and JSON, so Python's standard library is enough. Exit code 77: there is no such browser here,
nothing was tested.
"""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
ELEMENT = 'element-6066-11e4-a52e-4f735466cecf'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def ask(port, method, path, body=None, content_type='application/json'):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
    headers = {'Content-Type': content_type} if body is not None else {}
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def wait_for(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError('waited in vain for ' + what)


class Browser:
    def __init__(self, port, directory):
        self.port = port
        options = {
            'args': ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
                     '--user-data-dir=' + directory],
            'binary': shutil.which('chromium'),
        }
        wanted = {'alwaysMatch': {'goog:chromeOptions': options,
                                  'goog:loggingPrefs': {'browser': 'ALL'}}}
        self.session = self.call('POST', '', {'capabilities': wanted}, True)['sessionId']

    def call(self, method, path, body=None, is_new=False):
        full = '/session' if is_new else '/session/' + self.session + path
        data = json.dumps(body) if body is not None else None
        status, text = ask(self.port, method, full, data)
        value = json.loads(text)['value']
        if status != 200:
            raise AssertionError(f'{method} {path}: {value}')
        return value

    def open(self, url):
        self.call('POST', '/url', {'url': url})

    def run(self, script, *arguments):
        return self.call('POST', '/execute/sync', {'script': script, 'args': list(arguments)})

    def find(self, css):
        return self.call('POST', '/element', {'using': 'css selector', 'value': css})[ELEMENT]

    def click(self, css):
        self.call('POST', '/element/' + self.find(css) + '/click', {})

    def type(self, css, text):
        self.call('POST', '/element/' + self.find(css) + '/value', {'text': text})

    def text(self, css):
        return self.run('const e = document.querySelector(arguments[0]);'
                        'return e === null ? "" : e.textContent', css)

    def errors(self):
        log = self.call('POST', '/se/log', {'type': 'browser'})
        return [entry['message'] for entry in log if entry['level'] == 'SEVERE']

    def end(self):
        self.call('DELETE', '')


def check(what, holds):
    if not holds:
        raise AssertionError(what)
    print('ok:', what)


def test_docs(browser, port):
    base = f'http://127.0.0.1:{port}'
    browser.open(base + '/docs#putV1KvKey')
    wait_for('the operations', lambda: browser.run('return document.body.dataset.ready') == 'true')
    document = json.loads(ask(port, 'GET', '/openapi.json')[1])
    expected = sum(len(methods) for methods in document['paths'].values())
    expected += len(document['x-commands'])
    shown = browser.run('return document.querySelectorAll("details").length')
    check('/docs shows every operation and command', shown == expected)
    check('an anchor opens its operation', browser.run('return putV1KvKey.open'))

    browser.type('#putV1KvKey input[name=key]', 'from/a browser')
    browser.type('#putV1KvKey textarea[name=body]', '<b id=evil>bold</b>')
    curl = browser.text('#putV1KvKey .curl')
    check('the curl line is the request', "-X PUT" in curl and '/v1/kv/from%2Fa%20browser' in curl)
    browser.click('#putV1KvKey button.go')
    wait_for('204', lambda: browser.text('#putV1KvKey .good').startswith('204'))
    check('try it stores a value',
          ask(port, 'GET', '/v1/kv/from%2Fa%20browser') == (200, '<b id=evil>bold</b>'))
    answer = subprocess.run(['bash', '-c', curl.replace('curl', 'curl -s', 1)],
                            capture_output=True, text=True) if shutil.which('curl') else None
    check('the curl line works', answer is None or ' 204 ' in answer.stdout)

    browser.run('getV1KvKey.open = true')
    wait_for('the form', lambda: browser.run(
        'return document.querySelector("#getV1KvKey input[name=key]") !== null'))
    browser.type('#getV1KvKey input[name=key]', 'from/a browser')
    browser.click('#getV1KvKey button.go')
    wait_for('200', lambda: browser.text('#getV1KvKey .good').startswith('200'))
    check('the answer is shown as text',
          browser.text('#getV1KvKey .answer pre') == '<b id=evil>bold</b>'
          and browser.run('return document.getElementById("evil") === null'))

    browser.run('document.getElementById("command-get").open = true')
    wait_for('the command', lambda: browser.run(
        'return document.querySelector("#command-get input[name=key]") !== null'))
    browser.type('#command-get input[name=key]', 'none')
    browser.click('#command-get button.go')
    wait_for('a result', lambda: '"status": "ok"' in browser.text('#command-get .answer pre'))
    check('a command of the table can be tried', True)

    browser.type('#filter', 'prometheus')
    check('the filter leaves what has its words', browser.run(
        'return [...document.querySelectorAll("details")].filter(d => !d.hidden).length') == 1)
    errors = browser.errors()
    check(f'/docs needs nothing from elsewhere and throws nothing: {errors}', errors == [])


def test_search(browser, port):
    base = f'http://127.0.0.1:{port}'
    document = json.loads(ask(port, 'GET', '/openapi.json')[1])
    browser.open(base + '/')
    wait_for('the state', lambda: 'keys' in browser.text('#state'))
    check('without an index the page says how to define one',
          browser.run('return !document.getElementById("hint").hidden')
          and 'KV.SPACE DEFINE' in browser.text('#hint'))
    commands = {command['name'] for command in document['x-commands']}
    if '/v1/search' not in document['paths'] or 'kv.space define' not in commands:
        browser.type('#query', 'words')
        browser.click('form button')
        wait_for('a refusal', lambda: browser.text('#summary.bad') != '')
        check('what the server refuses is said', True)
        return
    post = lambda path, value: ask(port, 'POST', path, json.dumps(value))
    status, text = post('/v1/command', {'command': 'kv.space define', 'prefix': '', 'text': True})
    check('a space is defined ' + text.strip(), status == 200)
    values = {'fox': 'The quick brown fox — jumps over the lazy dog',
              'evil': 'a fox <img src=x onerror="document.title=1"> and markup',
              'other': 'nothing of the kind'}
    for key, value in values.items():
        ask(port, 'PUT', '/v1/kv/' + key, value.encode(), 'text/plain')
    browser.open(base + '/?query=fox')
    wait_for('hits', lambda: browser.run('return document.querySelectorAll(".hit").length') == 2)
    marks = browser.run('return [...document.querySelectorAll("mark")].map(m => m.textContent)')
    check('the words that were found are marked', marks == ['fox', 'fox'])
    check('what is stored stays text', browser.run('return document.images.length') == 0
          and 'onerror' in browser.text('#hits'))
    check('scores and times are shown',
          'score' in browser.text('.hit') and 'ms in the server' in browser.text('#summary'))
    browser.type('#query', ' jumps\n')
    wait_for('another answer', lambda: 'jumps' in browser.run('return location.search'))
    check('the address holds the question', True)


def main():
    server_binary = sys.argv[1]
    driver_binary = shutil.which('chromedriver')
    if driver_binary is None or shutil.which('chromium') is None:
        print('skipped: chromium and chromium-driver are not installed')
        return SKIPPED
    processes = []
    with tempfile.TemporaryDirectory() as directory:
        port, driver_port = free_port(), free_port()
        environment = dict(os.environ, HOME=directory)
        try:
            processes.append(subprocess.Popen(
                [server_binary, '--port', str(port), '--data-dir', directory + '/store'],
                stderr=subprocess.DEVNULL))
            processes.append(subprocess.Popen(
                [driver_binary, '--port=' + str(driver_port)], env=environment,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            wait_for('the server', lambda: ask(port, 'GET', '/readyz')[0] == 200)
            wait_for('the driver', lambda: ask(driver_port, 'GET', '/status')[0] == 200)
            browser = Browser(driver_port, directory + '/profile')
            try:
                test_docs(browser, port)
                test_search(browser, port)
            finally:
                browser.end()
        finally:
            for process in reversed(processes):
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=20)
    return 0


if __name__ == '__main__':
    sys.exit(main())
