#include "lib/sqlite/connection.h"

#include <filesystem>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/statvfs.h>

#include "base/fault.h"
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

std::string directory_of(const std::string& path) {
  return std::filesystem::absolute(path).parent_path().string();
}

// SQLite tells a full disk as an "I/O error" where it could not make room beside the database.
bool is_full(const std::string& directory) {
  constexpr std::uint64_t least = 64U << 10U;  // bytes; the shared memory of a WAL takes half of it
  struct statvfs space {};
  return ::statvfs(directory.c_str(), &space) == 0 && std::uint64_t{space.f_bavail} * space.f_frsize < least;
}

// What to do about a failure of the file itself; empty: SQLite's words say enough.
std::string advice(int code, const std::string& path) {
  constexpr int kind = 0xFF;  // the rest of an extended code
  const std::string directory = directory_of(path);
  std::string full = "; the disk of " + directory + " is full: free some room; nothing is lost";
  switch (code & kind) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "; stop navette, keep the file aside and restore the last copy";
    case SQLITE_FULL:
      return full;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return is_full(directory) ? full : std::string();
    case SQLITE_BUSY:
      return "; another process holds it: `fuser -v " + path + "` tells which";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return "; check owner and mode of the file and of its directory";
    default:
      return {};
  }
}

// As SQLite does.
void fail(fault::Kind kind) {
  const int code = kind == fault::Kind::busy ? SQLITE_BUSY : kind == fault::Kind::enospc ? SQLITE_FULL : SQLITE_IOERR;
  throw SQLite::Exception(::sqlite3_errstr(code), code);
}

}  // namespace

void throw_failed(const std::string& path) {
  try {
    throw;
  } catch (const SQLite::Exception& e) {
    throw Error("the database " + path + ": " + e.what() + advice(e.getErrorCode(), path));
  }
}

Connection::Connection(const std::string& path, Access access) : database_(open_database(path, access)) {
  if (access == Access::read_write) {
    execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;");
  }
  execute("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;");
}

Query Connection::query(const char* sql) {
  auto& statement = statements_[sql];
  try {
    if (!statement) statement = std::make_unique<SQLite::Statement>(database_, sql);
  } catch (const SQLite::Exception&) {
    throw_failed(database_.getFilename());
  }
  return {*statement, database_.getFilename()};
}

void Connection::execute(const std::string& sql) {
  try {
    fault::around(
        "sqlite.execute", fault::database, [&] { database_.exec(sql); }, fail);
  } catch (const SQLite::Exception&) {
    throw_failed(database_.getFilename());
  }
}

void Connection::require_in_place() {
  int moved = 0;
  if (::sqlite3_file_control(database_.getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || moved == 0)
    return;
  throw MovedError("the database " + database_.getFilename() +
                   " was deleted or replaced while it was in use: nothing more is accepted or answered. Put that file "
                   "back or restore the last copy, then start navette again");
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

bool Query::step() {
  try {
    return statement_->executeStep();
  } catch (const SQLite::Exception&) {
    throw_failed(*path_);
  }
}

void Query::run() {
  try {
    fault::around(
        "sqlite.write", fault::statements, [&] { statement_->exec(); }, fail);
  } catch (const SQLite::Exception&) {
    throw_failed(*path_);
  }
}

Transaction::Transaction(Connection& connection) : connection_(connection) {
  connection.require_in_place();
  try {
    const auto begin = [&] { transaction_.emplace(connection.database_, SQLite::TransactionBehavior::IMMEDIATE); };
    fault::around("sqlite.begin", fault::database, begin, fail);
  } catch (const SQLite::Exception&) {
    throw_failed(connection.database_.getFilename());
  }
}

void Transaction::commit() {
  try {
    fault::around(
        "sqlite.commit", fault::database, [&] { transaction_->commit(); }, fail);
  } catch (const SQLite::Exception&) {
    throw_failed(connection_.database_.getFilename());
  }
}

}  // namespace navette::sqlite
