// Replies in the shapes that the JSON protocols promise for their own verbs.
#ifndef KVSERVER_SRC_PROTOCOL_JSON_SHAPES_H_
#define KVSERVER_SRC_PROTOCOL_JSON_SHAPES_H_

#include <string>

#include "protocol/json_writer.h"

namespace kvserver {

// "val":5,"meta":{"found":true}
void ValueAndMeta(const JsonResult& result, std::string& out);

// Of the reply of a search, {"total": 2, "hits": [{"key": "a", "score": 1.5, ...}]}:

// "result":[{"key":"a","score":1.5}]
void HitsAsList(const JsonResult& result, std::string& out);

// "result":[{"key":"a","similarity":1.5}]
void HitsAsSimilarities(const JsonResult& result, std::string& out);

// "keys":["a"],"scores":[1.5],"excerpts":["..."]: of each hit its "html", or "".
void HitsAsColumns(const JsonResult& result, std::string& out);

// Of the reply of KV.QUERYINDEX, [{"key": "a", "value": 5}]: "result":["a"]
void EntriesAsKeys(const JsonResult& result, std::string& out);

}  // namespace kvserver

#endif  // KVSERVER_SRC_PROTOCOL_JSON_SHAPES_H_
