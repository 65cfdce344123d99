'use strict';
// What the store holds is shown as text only: it never becomes markup.

const kHitsShown = 20, kTextShown = 400;
const find = (id) => document.getElementById(id);

function element(name, text, className) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
}

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)};
  const response = await fetch(path, options);
  const answer = await response.json();
  if (answer.status !== 'ok') throw new Error(answer.message || response.statusText);
  return answer.result;
}

// Offsets of highlights count bytes of UTF-8, those of strings do not.
function excerptElement(excerpt) {
  const bytes = new TextEncoder().encode(excerpt.text), decoder = new TextDecoder();
  const p = element('p');
  let at = 0;
  for (const [begin, end] of excerpt.highlights || []) {
    if (begin < at || end < begin) continue;
    p.append(decoder.decode(bytes.subarray(at, begin)));
    p.append(element('mark', decoder.decode(bytes.subarray(begin, end))));
    at = end;
  }
  p.append(decoder.decode(bytes.subarray(at)));
  return p;
}

function valueText(value) {
  if (value === null || value === undefined) return '';
  if (typeof value === 'object' && typeof value.b64 === 'string') return '(bytes)';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > kTextShown ? text.slice(0, kTextShown) + ' …' : text;
}

const number = (n) => typeof n === 'number' ? n.toPrecision(4) : String(n);

function hitElement(hit) {
  const e = element('div', undefined, 'hit');
  const isText = typeof hit.key === 'string';
  const key = isText ? element('a', hit.key, 'key') : element('span', '(bytes)', 'key');
  if (isText) key.href = '/v1/kv/' + encodeURIComponent(hit.key);
  e.append(key, ' ');
  let score = 'score ' + number(hit.score);
  if (typeof hit.word_part === 'number') {
    score += ' = words ' + number(hit.word_part) + ' + meaning ' + number(hit.vector_part);
  }
  e.append(element('span', score, 'soft'));
  const excerpts = hit.excerpts || [];
  for (const excerpt of excerpts) e.append(excerptElement(excerpt));
  if (excerpts.length === 0) e.append(element('p', valueText(hit.value)));
  return e;
}

function showHint() {
  const hint = find('hint');
  hint.replaceChildren(
      element('p', 'Nothing is indexed yet. A space says which keys have words and vectors; one ' +
                   'for all keys, whose vectors are learnt from the texts themselves:'));
  const body = JSON.stringify({command: 'kv.space define', prefix: '', text: true, learn: true});
  hint.append(element('pre',
      'redis-cli -p ' + (location.port || 80) + " KV.SPACE DEFINE '' TEXT LEARN\n\n" +
      'curl ' + location.origin + "/v1/command -H 'Content-Type: application/json' -d '" + body +
      "'"));
  hint.hidden = false;
}

async function showState() {
  try {
    const stats = await ask('/v1/stats'), spaces = await ask('/v1/index');
    const documents = spaces.reduce((sum, space) => sum + space.documents, 0);
    const vectors = spaces.reduce((sum, space) => sum + space.vectors, 0);
    find('state').textContent = stats.keys_estimate + ' keys, ' + documents + ' with words, ' +
        vectors + ' with vectors';
    if (spaces.length === 0) showHint();
  } catch (error) {
    find('state').textContent = '';
  }
}

let newest = 0;  // an answer to an older question is not shown

async function search() {
  const query = find('query').value, prefix = find('prefix').value;
  const mode = new FormData(find('form')).get('mode');
  const turn = ++newest;
  const summary = find('summary'), hits = find('hits');
  if (query.trim() === '') {
    hits.replaceChildren();
    summary.textContent = '';
    return;
  }
  const body = {limit: kHitsShown};
  body[mode === 'similar' ? 'text' : 'query'] = query;
  if (mode === 'similar') body.with_values = true; else body.excerpts = kTextShown / 2;
  if (prefix !== '') body.prefix = prefix;
  summary.textContent = 'Searching …';
  summary.className = 'soft';
  const start = performance.now();
  try {
    const result = await ask('/v1/' + mode, body);
    if (turn !== newest) return;
    const milliseconds = (performance.now() - start).toFixed(1);
    hits.replaceChildren(...result.hits.map(hitElement));
    let text = result.total === undefined ? result.hits.length + ' hits'
        : (result.total_is_exact === false ? 'more than ' : '') + result.total + ' hits';
    if (typeof result.took_us === 'number') {
      text += ', ' + (result.took_us / 1000).toFixed(2) + ' ms in the server';
    }
    text += ', ' + milliseconds + ' ms to here';
    for (const warning of result.warnings || []) text += ' · ' + warning;
    if (result.did_you_mean) text += ' · did you mean: ' + result.did_you_mean;
    summary.textContent = text;
  } catch (error) {
    if (turn !== newest) return;
    hits.replaceChildren();
    summary.textContent = error.message;
    summary.className = 'bad';
  }
}

find('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const parameters = new URLSearchParams(new FormData(find('form')));
  history.replaceState(null, '', '?' + parameters);
  search();
});
find('form').addEventListener('change', (event) => {
  if (event.target.name === 'mode') search();
});

const given = new URLSearchParams(location.search);
find('query').value = given.get('query') || '';
find('prefix').value = given.get('prefix') || '';
for (const radio of document.getElementsByName('mode')) {
  if (radio.value === given.get('mode')) radio.checked = true;
}
showState();
search();
