#include "lib/sqlite/connection.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "base/error.h"
#include "base/unique_fd.h"

namespace navette::sqlite {
namespace {

SQLite::Database open_database(const std::string& path, Connection::Access access) {
  constexpr int patience_ms = 10'000;
  try {
    if (access == Connection::Access::read_only) return {path, SQLite::OPEN_READONLY, patience_ms};
    // Made by us first: SQLite would create it readable by all that the umask lets in. WAL and shm take the same mode.
    const UniqueFd created(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!created) throw_errno("open");
    return {path, SQLite::OPEN_READWRITE, patience_ms};
  } catch (const std::exception& e) {
    std::throw_with_nested(Error("cannot open the database " + path + " (check its directory, owner and mode)"));
  }
}

}  // namespace

Connection::Connection(const std::string& path, Access access) : database_(open_database(path, access)) {
  if (access == Access::read_write) {
    execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;");
  }
  execute("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;");
}

Query Connection::query(const char* sql) {
  auto& statement = statements_[sql];
  if (!statement) statement = std::make_unique<SQLite::Statement>(database_, sql);
  return Query(*statement);
}

void Connection::execute(const std::string& sql) {
  database_.exec(sql);
}

std::vector<std::string> Connection::prepared() const {
  std::vector<std::string> out;
  for (const auto& [sql, statement] : statements_) out.emplace_back(sql);
  return out;
}

std::vector<std::string> Connection::plan_of(const std::string& sql) {
  SQLite::Statement statement(database_, "EXPLAIN QUERY PLAN " + sql);
  std::vector<std::string> out;
  while (statement.executeStep()) out.push_back(statement.getColumn(3).getString());
  return out;
}

Connection::Work Connection::take_work() {
  Work work;
  sqlite3* db = database_.getHandle();
  for (auto* s = sqlite3_next_stmt(db, nullptr); s != nullptr; s = sqlite3_next_stmt(db, s)) {
    work.scanned += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    work.instructions += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 1);
  }
  return work;
}

}  // namespace navette::sqlite
