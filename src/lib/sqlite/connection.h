// SQLite through SQLiteCpp: a connection with our settings, statements that are prepared once, transactions that roll
// back unless committed. Not for several threads at once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <SQLiteCpp/SQLiteCpp.h>

#include "base/error.h"

namespace navette::sqlite {

// The file at the database's path is not the one that is open: it was deleted, or another was put in its place. What
// is written now would be lost when the file is closed (R11).
class MovedError : public Error {
 public:
  using Error::Error;
};

// Called while an exception of SQLite's is handled: throws Error with its words, the file and what to do about it.
[[noreturn]] void throw_failed(const std::string& path);

// One run of a prepared statement: bind in order of the ?, then run() or step(). Given back to the connection when
// destroyed.
class Query {
 public:
  // `path`, of the database, outlives it.
  Query(SQLite::Statement& statement, const std::string& path) : statement_(&statement), path_(&path) {
    statement_->reset();
    statement_->clearBindings();
  }
  Query(Query&& other) noexcept : statement_(other.statement_), path_(other.path_), bound_(other.bound_) {
    other.statement_ = nullptr;
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  Query& operator=(Query&&) = delete;
  ~Query() {
    if (statement_ != nullptr) statement_->tryReset();
  }

  Query& bind(std::int64_t value) {
    statement_->bind(++bound_, value);
    return *this;
  }
  Query& bind(int value) { return bind(std::int64_t{value}); }
  Query& bind(const std::string& value) {
    statement_->bind(++bound_, value);
    return *this;
  }
  Query& bind(const char* value) {
    statement_->bind(++bound_, value);
    return *this;
  }
  Query& bind(std::nullopt_t) {
    statement_->bind(++bound_);
    return *this;
  }
  Query& bind_blob(std::string_view bytes) {
    statement_->bind(++bound_, bytes.data(), static_cast<int>(bytes.size()));
    return *this;
  }
  template <typename T>
  Query& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind(std::nullopt);
  }
  template <typename First, typename Second, typename... Rest>
  Query& bind(const First& first, const Second& second, const Rest&... rest) {
    bind(first);
    return bind(second, rest...);
  }

  // Both throw Error naming the file.
  bool step();
  void run();  // for statements without rows

  bool is_null(int column) const { return statement_->getColumn(column).isNull(); }
  std::int64_t integer(int column) const { return statement_->getColumn(column).getInt64(); }
  // Bytes of a TEXT or BLOB column; empty for NULL.
  std::string text(int column) const { return statement_->getColumn(column).getString(); }
  std::optional<std::int64_t> find_integer(int column) const {
    return is_null(column) ? std::nullopt : std::optional(integer(column));
  }
  std::optional<std::string> find_text(int column) const {
    return is_null(column) ? std::nullopt : std::optional(text(column));
  }

 private:
  SQLite::Statement* statement_;
  const std::string* path_;
  int bound_ = 0;
};

class Connection {
 public:
  enum class Access { read_only, read_write };
  // Opens (and with read_write creates, mode 0600 before umask) the database: WAL, synchronous=FULL, foreign keys,
  // secure_delete, 10 s of patience with other writers. Throws Error naming the file.
  Connection(const std::string& path, Access access);

  // `sql` must live as long as the connection: a literal.
  Query query(const char* sql);
  void execute(const std::string& sql);  // any number of statements
  std::int64_t last_insert_id() const { return database_.getLastInsertRowid(); }
  int changes() const { return database_.getChanges(); }

  // Throws MovedError when the file at the path is not the open one any more. One stat(): cheap.
  void require_in_place();

  // Every statement prepared so far; tests look at their query plans.
  std::vector<std::string> prepared() const;
  // EXPLAIN QUERY PLAN of `sql`, one line a step.
  std::vector<std::string> plan_of(const std::string& sql);
  // What the prepared statements did since the last call: rows walked through in scans, instructions of the machine.
  struct Work {
    std::int64_t scanned = 0;
    std::int64_t instructions = 0;
  };
  Work take_work();

 private:
  friend class Transaction;
  SQLite::Database database_;
  std::map<std::string_view, std::unique_ptr<SQLite::Statement>> statements_;
};

// BEGIN IMMEDIATE: what is read inside cannot change before commit(). Rolls back when destroyed without it. One at a
// time. Throws MovedError, before anything is begun, when the file is not at its path any more.
class Transaction {
 public:
  explicit Transaction(Connection& connection);
  void commit();

 private:
  Connection& connection_;
  std::optional<SQLite::Transaction> transaction_;
};

}  // namespace navette::sqlite
