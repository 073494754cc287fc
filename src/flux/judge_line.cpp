#include "flux/judge_line.h"

#include <algorithm>
#include <utility>

namespace navette::flux {
namespace {

constexpr std::size_t batch_records = 64;
constexpr std::size_t batch_bytes = std::size_t{256} << 10U;
constexpr std::size_t batches_in_flight = 4;

// One judge keeps up with most of what a parser gives, two with all of it.
unsigned judges() {
  return std::clamp(std::thread::hardware_concurrency(), 2U, 3U) - 1;
}

}  // namespace

JudgeLine::JudgeLine(const KindSchema& kind, const model::ReferenceData& reference_data, std::string emetteur,
                     Deliver deliver)
    : kind_(kind),
      reference_data_(reference_data),
      emetteur_(std::move(emetteur)),
      deliver_(std::move(deliver)),
      filling_(std::make_unique<Batch>()) {}

JudgeLine::~JudgeLine() = default;

bool JudgeLine::add(xml::Record record, std::uint64_t rank) {
  filling_->bytes += record.bytes();
  filling_->records.push_back(std::move(record));
  filling_->ranks.push_back(rank);
  if (filling_->records.size() >= batch_records || filling_->bytes >= batch_bytes) submit();
  while (!stopped_ && batches_.size() >= batches_in_flight) deliver_front();
  return !stopped_;
}

bool JudgeLine::drain() {
  if (workers_.empty()) {
    if (filling_->records.empty()) return !stopped_;
    RecordJudge here = make_judge();
    judge(here, *filling_);
    filling_->judged = true;
    batches_.push_back(std::exchange(filling_, std::make_unique<Batch>()));
  } else if (!filling_->records.empty()) {
    submit();
  }
  while (!stopped_ && !batches_.empty()) deliver_front();
  return !stopped_;
}

void JudgeLine::submit() {
  {
    const std::lock_guard lock(mutex_);
    batches_.push_back(std::exchange(filling_, std::make_unique<Batch>()));
  }
  submitted_.notify_one();
  if (!workers_.empty()) return;
  for (unsigned i = 0; i < judges(); ++i) {
    workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

// Only this thread takes from the front, so that `front` stays where it is while it is waited for.
bool JudgeLine::deliver_front() {
  Batch& front = *batches_.front();
  {
    std::unique_lock lock(mutex_);
    judged_.wait(lock, [&] { return front.judged; });
  }
  if (front.error) std::rethrow_exception(front.error);
  for (Verdict& verdict : front.verdicts) {
    if (!deliver_(std::move(verdict))) {
      stopped_ = true;
      return false;
    }
  }
  const std::lock_guard lock(mutex_);
  batches_.pop_front();
  if (next_ > 0) --next_;
  return true;
}

void JudgeLine::work(const std::stop_token& stop) {
  RecordJudge judge_here = make_judge();
  while (true) {
    Batch* batch = nullptr;
    {
      std::unique_lock lock(mutex_);
      if (!submitted_.wait(lock, stop, [&] { return next_ < batches_.size(); })) return;
      batch = batches_[next_++].get();
    }
    judge(judge_here, *batch);
    {
      const std::lock_guard lock(mutex_);
      batch->judged = true;
    }
    judged_.notify_one();
  }
}

void JudgeLine::judge(RecordJudge& judge, Batch& batch) {
  try {
    batch.verdicts.reserve(batch.records.size());
    for (std::size_t i = 0; i < batch.records.size(); ++i) {
      batch.verdicts.push_back(judge.judge(batch.records[i], batch.ranks[i]));
    }
  } catch (...) {
    batch.error = std::current_exception();
  }
}

}  // namespace navette::flux
