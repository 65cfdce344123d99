#include "command/space_figures.h"

namespace kvserver {

void ReplyField(ReplyWriter& reply, std::string_view name, uint64_t value) {
  reply.Value(name);
  reply.Integer(static_cast<int64_t>(value));
}

void ReplySpaceFigures(ReplyWriter& reply, const libkv::SpaceStats& space) {
  ReplyField(reply, "documents", space.documents);
  ReplyField(reply, "sealed_documents", space.sealed_documents);
  ReplyField(reply, "dead_documents", space.dead_documents);
  ReplyField(reply, "segments", space.segments);
  ReplyField(reply, "terms", space.terms);
  ReplyField(reply, "vectors", space.vectors);
  ReplyField(reply, "vector_lists", space.vector_lists);
  ReplyField(reply, "list_splits", space.list_splits);
  ReplyField(reply, "list_merges", space.list_merges);
  ReplyField(reply, "index_bytes", space.index_bytes);
  ReplyField(reply, "vector_bytes", space.vector_bytes);
  reply.Value("recall");
  reply.BeginArray(space.recall.size());
  for (const libkv::SpaceStats::Recall& recall : space.recall) {
    reply.BeginMap(3);
    reply.Value("target");
    reply.Double(recall.target);
    reply.Value("share");
    reply.Double(recall.share);
    reply.Value("delivered");
    reply.Double(recall.delivered);
  }
}

}  // namespace kvserver
