#include "store/trace.h"

#include <fmt/format.h>

#include "base/text.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sha256.h"

namespace navette::store {
namespace {

struct Row {
  std::int64_t seq = 0;
  std::int64_t at = 0;
  std::string actor;
  std::string action;
  std::string object;
  std::string detail_hash;
};

// Every field with its length in front: no two rows share a canonical form.
std::string hash_of(const std::string& former, const Row& row) {
  std::string bytes;
  const auto add = [&](const std::string& field) { bytes += fmt::format("{}:{};", field.size(), field); };
  add(former);
  add(std::to_string(row.seq));
  add(std::to_string(row.at));
  add(row.actor);
  add(row.action);
  add(row.object);
  add(row.detail_hash);
  return crypto::sha256_hex(bytes);
}

std::string detail_hash(std::string_view salt, std::string_view detail) {
  return crypto::Sha256().update(salt).update(detail).finish_hex();
}

}  // namespace

void append_trace(sqlite::Connection& connection, Instant at, const std::string& actor, const TraceEntry& entry) {
  Row row;
  std::string former;
  {
    auto head = connection.query("SELECT seq, hash FROM trace ORDER BY seq DESC LIMIT 1");
    if (head.step()) {
      row.seq = head.integer(0);
      former = head.text(1);
    }
  }
  ++row.seq;
  row.at = at.time_since_epoch().count();
  row.actor = actor;
  row.action = entry.action;
  row.object = entry.object;
  std::string salt;
  if (!entry.detail.empty()) {
    salt = crypto::random_bytes(16);
    row.detail_hash = detail_hash(salt, entry.detail);
  }
  connection
      .query("INSERT INTO trace (seq, le, acteur, action, objet, detail_sha256, hash) VALUES (?, ?, ?, ?, ?, ?, ?)")
      .bind(row.seq, row.at, row.actor, row.action, row.object, row.detail_hash, hash_of(former, row))
      .run();
  if (entry.detail.empty()) return;
  auto detail = connection.query("INSERT INTO trace_detail (seq, sel, detail) VALUES (?, ?, ?)");
  detail.bind(row.seq).bind_blob(salt).bind(entry.detail).run();
}

TraceCheck verify_traces(sqlite::Connection& connection) {
  TraceCheck check;
  auto q = connection.query(
      "SELECT t.seq, t.le, t.acteur, t.action, t.objet, t.detail_sha256, t.hash, d.sel, d.detail "
      "FROM trace t LEFT JOIN trace_detail d ON d.seq = t.seq ORDER BY t.seq");
  while (q.step()) {
    const Row row{q.integer(0), q.integer(1), q.text(2), q.text(3), q.text(4), q.text(5)};
    ++check.rows;
    const bool detail_fits = q.is_null(8) || row.detail_hash == detail_hash(q.text(7), q.text(8));
    if (row.seq != check.rows || q.text(6) != hash_of(check.head, row) || !detail_fits) {
      check.broken_at = row.seq;
      return check;
    }
    check.head = q.text(6);
  }
  return check;
}

}  // namespace navette::store
