#include "protocol/json_shapes.h"

#include <vector>

#include "base/arena.h"
#include "protocol/json_reader.h"
#include "protocol/json_value.h"

namespace kvserver {
namespace {

void AppendMember(std::string& out, std::string_view name, std::string_view json) {
  out += '"';
  out.append(name);
  out.append("\":");
  out.append(json);
}

// A field as it stands in JSON.
void AppendField(std::string& out, const JsonField& field) {
  if (field.kind == JsonField::kString) {
    AppendJsonString(out, field.text);
  } else {
    out.append(field.text);
  }
}

// The elements of "hits". False: the reply looks otherwise, and is shown as it is.
bool ReadHits(std::string_view json, Arena& arena, std::vector<JsonField>& hits) {
  std::vector<JsonField> members;
  if (!ReadJsonObject(json, arena, members).ok()) return false;
  for (const JsonField& member : members) {
    if (member.name == "hits") return ReadJsonArray(member.text, arena, hits).ok();
  }
  return false;
}

}  // namespace

void ValueAndMeta(const JsonResult& result, std::string& out) {
  Arena arena;
  std::vector<JsonField> members;
  std::string_view value = result.json;
  std::string text, meta;
  if (result.json.starts_with('{') && ReadJsonObject(result.json, arena, members).ok()) {
    for (const JsonField& member : members) {
      if (member.name == "value") {
        value = member.text;
        if (member.kind == JsonField::kString) {
          AppendField(text, member);
          value = text;
        }
        continue;
      }
      meta += ',';
      AppendMember(meta, member.name, "");
      AppendField(meta, member);
    }
  }
  // {"b64": "..."}
  const bool is_bytes = result.is_value_bytes && ReadJsonObject(value, arena, members).ok();
  if (is_bytes) {
    AppendMember(out, std::string(result.name) + "_b64", "");
    AppendField(out, members[0]);
  } else {
    AppendMember(out, result.name, value);
  }
  out.append(result.is_null ? ",\"meta\":{\"found\":false" : ",\"meta\":{\"found\":true");
  out.append(meta).append("}");
}

void HitsAsList(const JsonResult& result, std::string& out) {
  Arena arena;
  std::vector<JsonField> members;
  std::string_view hits = result.json;
  if (ReadJsonObject(result.json, arena, members).ok()) {
    for (const JsonField& member : members) {
      if (member.name == "hits") hits = member.text;
    }
  }
  AppendMember(out, result.name, hits);
}

void HitsAsSimilarities(const JsonResult& result, std::string& out) {
  Arena arena;
  std::vector<JsonField> hits, members;
  if (!ReadHits(result.json, arena, hits)) return AppendMember(out, result.name, result.json);
  AppendMember(out, result.name, "[");
  for (const JsonField& hit : hits) {
    if (&hit != hits.data()) out += ',';
    out += '{';
    bool is_first = true;
    if (!ReadJsonObject(hit.text, arena, members).ok()) members.clear();
    for (const JsonField& member : members) {
      if (member.name != "key" && member.name != "score") continue;
      if (!is_first) out += ',';
      is_first = false;
      AppendMember(out, member.name == "score" ? "similarity" : member.name, "");
      AppendField(out, member);
    }
    out += '}';
  }
  out += ']';
}

void HitsAsColumns(const JsonResult& result, std::string& out) {
  Arena arena;
  std::vector<JsonField> hits, members;
  if (!ReadHits(result.json, arena, hits)) return AppendMember(out, result.name, result.json);
  std::string keys, scores, excerpts;
  for (const JsonField& hit : hits) {
    std::string key = "null", score = "null", excerpt;
    if (!ReadJsonObject(hit.text, arena, members).ok()) members.clear();
    for (const JsonField& member : members) {
      if (member.name == "key") {
        key.clear();
        AppendField(key, member);
      } else if (member.name == "score") {
        score.clear();
        AppendField(score, member);
      } else if (member.name == "html") {
        AppendField(excerpt, member);
      }
    }
    const char* const comma = &hit == hits.data() ? "" : ",";
    keys += comma + key;
    scores += comma + score;
    excerpts += comma + (excerpt.empty() ? "\"\"" : excerpt);
  }
  AppendMember(out, "keys", "[" + keys + "],");
  AppendMember(out, "scores", "[" + scores + "],");
  AppendMember(out, "excerpts", "[" + excerpts + "]");
}

void EntriesAsKeys(const JsonResult& result, std::string& out) {
  Arena arena;
  std::vector<JsonField> entries, members;
  if (!ReadJsonArray(result.json, arena, entries).ok()) {
    return AppendMember(out, result.name, result.json);
  }
  AppendMember(out, result.name, "[");
  for (const JsonField& entry : entries) {
    if (&entry != entries.data()) out += ',';
    if (!ReadJsonObject(entry.text, arena, members).ok()) members.clear();
    std::string key = "null";
    for (const JsonField& member : members) {
      if (member.name != "key") continue;
      key.clear();
      AppendField(key, member);
    }
    out += key;
  }
  out += ']';
}

}  // namespace kvserver
