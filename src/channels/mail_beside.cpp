#include "channels/mail_beside.h"

#include "base/heartbeat.h"

namespace navette::channels {
namespace {

MailOutcome not_answered(const Mail& mail) {
  const model::Retry retry{"the mail server has not answered yet; its answer is waited for", std::nullopt,
                           model::Scope::mail_server};
  MailOutcome out{retry, {}, true};
  out.under_way = true;
  for (const std::string& address : mail.recipients) out.recipients.push_back({address, retry});
  return out;
}

}  // namespace

MailOutcome MailBeside::send(const Mail& mail, const std::stop_token& stop) {
  // That one has been waited for.
  const auto no_longer = patience_ ? std::optional(std::chrono::milliseconds(0)) : std::nullopt;
  if (!wait_for_end(no_longer, stop)) return not_answered(mail);
  if (auto known = ended_.extract(mail.message_id); !known.empty()) return std::move(known.mapped());
  begin(mail);
  if (!wait_for_end(patience_, stop)) return not_answered(mail);
  return std::move(ended_.extract(mail.message_id).mapped());
}

void MailBeside::begin(const Mail& mail) {
  std::packaged_task<MailOutcome(std::stop_token)> task([this, mail](const std::stop_token& stop) {
    MailOutcome out = server_.send(mail, stop);
    out.at = clock_.now();
    return out;
  });
  auto outcome = task.get_future();
  under_way_.emplace(UnderWay{mail.message_id, std::move(outcome), {}});
  under_way_->thread = std::jthread([this, task = std::move(task)](const std::stop_token& stop) mutable {
    task(stop);
    answered_.set();
  });
}

// True when nothing is under way any more.
bool MailBeside::wait_for_end(std::optional<std::chrono::milliseconds> patience, const std::stop_token& stop) {
  const std::chrono::milliseconds slice(patience && patience->count() == 0 ? 0 : 100);
  if (!under_way_) return true;
  const auto began = std::chrono::steady_clock::now();
  while (under_way_->outcome.wait_for(slice) != std::future_status::ready) {
    heartbeat::beat();
    if (stop.stop_requested()) {
      under_way_->thread.request_stop();
      under_way_->outcome.wait();
    } else if (patience && std::chrono::steady_clock::now() - began >= *patience) {
      return false;
    } else if (meanwhile_) {
      meanwhile_();
    }
  }
  UnderWay ended = std::move(*under_way_);
  under_way_.reset();
  ended.thread.join();
  answered_.clear();  // it is heard here
  ended_.insert_or_assign(std::move(ended.message_id), ended.outcome.get());
  return true;
}

}  // namespace navette::channels
