// Records wait in line to be judged: other threads judge while the caller's goes on reading the file, and verdicts come
// back in order. Judging costs more than parsing (validation, canonical form); this hides the smaller behind the
// larger.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "flux/record_judge.h"
#include "lib/xml/record_parser.h"

namespace navette::flux {

// All members are called on one thread, that of the records' parser; `deliver` is called there too. What is held is
// bounded: a few batches of records. A flux of less than a batch starts no thread.
class JudgeLine {
 public:
  // `deliver` returns false to have no further verdict.
  using Deliver = std::function<bool(Verdict)>;
  JudgeLine(const KindSchema& kind, const model::ReferenceData& reference_data, std::string emetteur, Deliver deliver);
  JudgeLine(const JudgeLine&) = delete;
  JudgeLine& operator=(const JudgeLine&) = delete;
  ~JudgeLine();

  // Both throw what judging or `deliver` threw, and return false once `deliver` has.
  bool add(xml::Record record, std::uint64_t rank);
  bool drain();  // until every record added is delivered

 private:
  struct Batch {
    std::vector<xml::Record> records;
    std::vector<std::uint64_t> ranks;
    std::vector<Verdict> verdicts;
    std::size_t bytes = 0;
    bool judged = false;
    std::exception_ptr error;
  };
  using BatchPtr = std::unique_ptr<Batch>;

  void submit();
  bool deliver_front();
  void work(const std::stop_token& stop);
  static void judge(RecordJudge& judge, Batch& batch);
  RecordJudge make_judge() const { return {kind_, reference_data_, emetteur_}; }

  const KindSchema& kind_;
  const model::ReferenceData& reference_data_;
  std::string emetteur_;
  Deliver deliver_;
  bool stopped_ = false;
  BatchPtr filling_;

  std::mutex mutex_;
  std::condition_variable_any submitted_;
  std::condition_variable judged_;
  std::deque<BatchPtr> batches_;       // in order; the vector's ends change under the mutex
  std::size_t next_ = 0;               // index in batches_ of the first that nobody has taken
  std::vector<std::jthread> workers_;  // last: they stop before what they use goes
};

}  // namespace navette::flux
