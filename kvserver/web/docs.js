'use strict';
// Every operation of /openapi.json as a form: try it, the curl line for it, and the answer.

const find = (id) => document.getElementById(id);

function element(name, text, className) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

let lastId = 0;

// A row of a form: a label, the field, and what it is good for.
function addField(parent, name, schema, isRequired, description) {
  const row = element('div', undefined, 'row');
  const label = element('label', name + (isRequired ? ' *' : ''));
  const isFlag = schema.type === 'boolean';
  const isLong = schema.type === 'array' || schema.type === 'object' || name === 'body';
  const input = element(isLong ? 'textarea' : 'input');
  if (isFlag) input.type = 'checkbox';
  if (isLong) input.rows = name === 'body' ? 4 : 2;
  input.id = label.htmlFor = 'field' + ++lastId;
  input.name = name;
  input.autocomplete = 'off';
  input.spellcheck = false;
  if (schema.type === 'integer' || schema.type === 'number') input.inputMode = 'decimal';
  row.append(label, input);
  const help = [isLong && name !== 'body' ? 'JSON: ' + schema.type : '', description || '']
      .filter((part) => part !== '').join('. ');
  if (help !== '') row.append(element('small', help));
  parent.append(row);
  return {name, schema, isRequired, input};
}

const isFilled = (field) =>
    field.schema.type === 'boolean' ? field.input.checked : field.input.value !== '';

// The value of a field as JSON; text that should be JSON and is not is sent as a string, so that
// the server says what is wrong.
function jsonOf(field) {
  const type = field.schema.type, text = field.input.value;
  if (type === 'boolean') return true;
  if (type === 'string') return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    return text;
  }
}

function objectOf(fields) {
  const object = {};
  for (const field of fields) if (isFilled(field)) object[field.name] = jsonOf(field);
  return object;
}

const shellQuoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

function curlOf(request) {
  let line = 'curl -i';
  if (request.method === 'HEAD') line += ' -I';
  else if (request.method !== 'GET') line += ' -X ' + request.method;
  for (const [name, value] of Object.entries(request.headers)) {
    line += ' -H ' + shellQuoted(name + ': ' + value);
  }
  if (request.body !== undefined) line += ' --data-binary ' + shellQuoted(request.body);
  return line + ' ' + shellQuoted(location.origin + request.path);
}

function shown(text, type) {
  if (!(type || '').startsWith('application/json')) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch (error) {
    return text;
  }
}

async function send(request, output) {
  output.replaceChildren(element('p', 'Waiting …', 'soft'));
  const start = performance.now();
  try {
    const {path, ...options} = request;
    const response = await fetch(path, options);
    const text = await response.text();
    const line = element('p', response.status + ' ' + response.statusText + ', ' +
        (performance.now() - start).toFixed(1) + ' ms', response.ok ? 'good' : 'bad');
    line.dataset.status = response.status;
    const parts = [line];
    const etag = response.headers.get('ETag');
    if (etag) parts.push(element('p', 'ETag: ' + etag, 'soft'));
    if (text !== '') parts.push(element('pre', shown(text, response.headers.get('Content-Type'))));
    output.replaceChildren(...parts);
  } catch (error) {
    output.replaceChildren(element('p', String(error), 'bad'));
  }
}

// The form of one operation. `requestOf` makes the request of what is filled in.
function addForm(parent, requestOf) {
  const form = element('form');
  const fields = element('div'), curl = element('pre', '', 'curl');
  const output = element('div', undefined, 'answer');
  output.setAttribute('aria-live', 'polite');
  const go = element('button', 'Try it', 'go');
  const copy = element('button', 'Copy curl');
  go.type = 'submit';
  copy.type = 'button';
  copy.addEventListener('click', () => navigator.clipboard?.writeText(curl.textContent));
  const refresh = () => { curl.textContent = curlOf(requestOf()); };
  form.addEventListener('input', refresh);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    refresh();
    send(requestOf(), output);
  });
  form.append(fields, curl, go, ' ', copy, output);
  parent.append(form);
  return {fields, refresh};
}

function addOperation(parent, path, method, operation) {
  const box = element('details');
  box.id = operation.operationId;
  box.dataset.text = (method + ' ' + path + ' ' + operation.summary).toLowerCase();
  const title = element('summary');
  title.append(element('span', method.toUpperCase(), 'verb'), element('code', path), ' ',
               element('span', operation.summary, 'soft'));
  box.append(title);
  const inner = element('div');
  const parameters = [];
  let members = [], body = null, type = '';

  const requestOf = () => {
    let url = path;
    const query = new URLSearchParams(), headers = {};
    for (const field of parameters) {
      if (field.in === 'path') {
        url = url.replace('{' + field.name + '}', encodeURIComponent(field.input.value));
      } else if (isFilled(field)) {
        const value = field.schema.type === 'boolean' ? 'true' : field.input.value;
        if (field.in === 'query') query.set(field.name, value); else headers[field.name] = value;
      }
    }
    const text = query.toString();
    const request = {method: method.toUpperCase(), headers,
                     path: url + (text === '' ? '' : '?' + text)};
    if (type !== '') {
      headers['Content-Type'] = type;
      request.body = body !== null ? body.input.value : JSON.stringify(objectOf(members));
    }
    return request;
  };

  const fill = () => {
    const {fields, refresh} = addForm(inner, requestOf);
    for (const p of operation.parameters || []) {
      const field = addField(fields, p.name, p.schema, p.required, p.description);
      field.in = p.in;
      parameters.push(field);
    }
    if (operation.requestBody) {
      type = Object.keys(operation.requestBody.content)[0];
      const schema = operation.requestBody.content[type].schema;
      if (schema && schema.properties && !schema.additionalProperties) {
        members = Object.entries(schema.properties).map(([name, s]) =>
            addField(fields, name, s, schema.required.includes(name)));
      } else {
        body = addField(fields, 'body', {type: 'string'}, true);
      }
    }
    refresh();
    const answers = Object.entries(operation.responses)
        .map(([status, response]) => status + ': ' + response.description);
    inner.append(element('p', answers.join(' · '), 'soft'));
  };
  openOnce(box, inner, fill);
  parent.append(box);
}

// Any command of the table, with its own fields.
function addCommand(parent, command) {
  const box = element('details');
  box.id = 'command-' + command.name.replaceAll(' ', '-');
  box.dataset.text = (command.name + ' ' + command.summary + ' ' + command.group).toLowerCase();
  const title = element('summary');
  title.append(element('code', command.name), ' ', element('span', command.summary, 'soft'));
  box.append(title);
  const inner = element('div');
  let members = [];
  openOnce(box, inner, () => {
    const {fields, refresh} = addForm(inner, () => ({
      method: 'POST', path: '/v1/command', headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({command: command.name, ...objectOf(members)})}));
    members = Object.entries(command.schema.properties).map(([name, schema]) =>
        addField(fields, name, schema, command.schema.required.includes(name)));
    refresh();
  });
  parent.append(box);
}

// A form is made when it is first seen: there are some hundred.
function openOnce(box, inner, fill) {
  box.append(inner);
  box.addEventListener('toggle', () => {
    if (!box.open) return;
    history.replaceState(null, '', '#' + box.id);
    if (inner.childElementCount === 0) fill();
  });
}

function openAnchor() {
  const box = find(location.hash.slice(1));
  if (!(box instanceof HTMLDetailsElement)) return;
  box.open = true;
  box.scrollIntoView();
}

function filter() {
  const words = find('filter').value.toLowerCase().split(/\s+/).filter((word) => word !== '');
  for (const section of document.querySelectorAll('section')) {
    let any = false;
    for (const box of section.querySelectorAll('details')) {
      box.hidden = !words.every((word) => box.dataset.text.includes(word));
      any = any || !box.hidden;
    }
    section.hidden = !any;
  }
}

function addSection(title) {
  const section = element('section');
  section.append(element('h2', title));
  find('operations').append(section);
  return section;
}

async function start() {
  const api = await (await fetch('/openapi.json')).json();
  find('about').textContent = api.info.description;
  const sections = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0];
      if (!sections.has(tag)) sections.set(tag, addSection(tag));
      addOperation(sections.get(tag), path, method, operation);
    }
  }
  const groups = new Map();
  for (const command of api['x-commands']) {
    if (!groups.has(command.group)) {
      groups.set(command.group, addSection('commands: ' + command.group));
    }
    addCommand(groups.get(command.group), command);
  }
  find('filter').addEventListener('input', filter);
  window.addEventListener('hashchange', openAnchor);
  openAnchor();
  document.body.dataset.ready = 'true';
}

start().catch((error) => {
  find('about').textContent = String(error);
  find('about').className = 'bad';
});
