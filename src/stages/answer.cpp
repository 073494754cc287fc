#include "stages/answer.h"

#include <system_error>

#include <fmt/format.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/heartbeat.h"
#include "base/log.h"
#include "base/text.h"
#include "flux/accuse.h"

namespace navette::stages {
namespace {

constexpr std::size_t batch = 100;

// The name that the sender chose may be a family's ("DUPONT_Marie.xml"): it is told to the sender alone, in the accusé,
// and to operators by `flux list`; never in a name of a file of ours (R9).
std::string rejet_name(const store::Claim& claim) {
  return claim.ticket + (claim.name.ends_with(".xml") || claim.name.ends_with(".XML") ? ".depot.xml" : ".depot");
}

flux::AccuseHead head_of(const store::FluxAnswer& a) {
  flux::AccuseHead head;
  head.emetteur = a.claim.emetteur;
  head.kind = a.kind;
  head.identifiant = a.identifiant;
  head.file_name = a.claim.name;
  head.sha256 = a.claim.sha256;
  head.ticket = a.claim.ticket;
  head.received_at = a.claim.at;
  head.processed_at = a.processed_at;
  head.result = to_string(a.state);
  head.refusal = a.refusal;
  head.received = a.received;
  head.accepted = a.accepted;
  head.duplicates = a.duplicates;
  head.refused = a.refused;
  return head;
}

void write_accuse(const Directory& directory, const std::string& name, const store::FluxAnswer& a,
                  store::Store& store) {
  AtomicFile file(directory, name);
  flux::AccuseWriter writer([&](std::string_view bytes) { file.write(bytes); }, head_of(a));
  // Records are told of only where the flux itself was taken: else nothing of it counts.
  if (!a.refusal) {
    store.each_refusal(a.id, [&](const store::RefusedRecord& r) {
      if (r.duplicate) {
        writer.duplicate(r.rank, r.reference);
      } else {
        writer.refused(r.rank, r.reference, r.refusal);
      }
    });
  }
  writer.finish();
  file.commit();
}

// The entry of travail/<emetteur>/ that holds the flux: our copy, or what could not be copied.
std::optional<std::string> claimed_entry(const Directory& work, const std::string& ticket) {
  if (work.contains(ticket)) return ticket;
  std::optional<std::string> found;
  work.each([&](const std::string& name, FileType) {
    if (name.starts_with(ticket + ".")) found = name;
    return !found;
  });
  return found;
}

void put_away(const Spool& spool, const store::FluxAnswer& a, bool keep) {
  const auto work = spool.travail.find_dir(a.claim.emetteur);
  const auto entry = work ? claimed_entry(*work, a.claim.ticket) : std::nullopt;
  if (!entry) return;  // put away before a crash
  if (keep) {
    const Directory rejet = spool.rejet.make_durable_dir(a.claim.emetteur);
    try {
      work->rename_over(*entry, rejet, rejet_name(a.claim));
    } catch (const std::system_error& e) {  // its message holds the entry's name, hence perhaps the sender's
      throw std::system_error(e.code(), "put " + a.claim.ticket + " away into " + rejet.path().string());
    }
    rejet.sync();
  } else {
    work->remove(*entry);  // our copy: its name is the ticket
  }
}

void answer_one(const Spool& spool, store::Store& store, const store::FluxAnswer& a) {
  const std::string name = accuse_name(a);
  write_accuse(spool.accuses.make_durable_dir(a.claim.emetteur), name, a, store);
  const bool refused = a.state == store::FluxState::refuse;
  put_away(spool, a, refused);
  if (refused || a.refused > 0) {
    write_accuse(spool.rejet.make_durable_dir(a.claim.emetteur), a.claim.ticket + ".accuse.xml", a, store);
  }
  store.accuse_written(a.id, name);
  log::info("flux.answered", {{"flux", a.claim.ticket},
                              {"emetteur", a.claim.emetteur},
                              {"result", to_string(a.state)},
                              {"accepted", a.accepted},
                              {"duplicates", a.duplicates},
                              {"refused", a.refused}});
}

}  // namespace

std::size_t answer(const Spool& spool, store::Store& store, const std::stop_token& stop) {
  std::size_t count = 0;
  std::size_t failed = 0;
  store::RowId last = 0;
  while (!stop.stop_requested()) {
    const auto due = store.accuses_due(last, batch);
    for (const store::FluxAnswer& a : due) {
      last = a.id;
      heartbeat::beat();
      if (stop.stop_requested()) break;
      try {
        answer_one(spool, store, a);
        ++count;
      } catch (const std::system_error& e) {  // one sender's directory holds up nobody else's accusés
        ++failed;
        log::error("answer.failed", {{"flux", a.claim.ticket}, {"emetteur", a.claim.emetteur}, {"error", describe(e)}});
      }
    }
    if (due.size() < batch) break;
  }
  if (failed > 0) throw Error(text::counted(failed, "accusé") + " could not be written, see the log");
  return count;
}

std::string accuse_name(const store::FluxAnswer& answer) {
  return answer.identifiant ? "AR_" + *answer.identifiant + "_" + answer.claim.ticket + ".xml"
                            : "AR_" + answer.claim.ticket + ".xml";
}

}  // namespace navette::stages
