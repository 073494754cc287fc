// Answers every flux: its accusé in accuses/<emetteur>/, its file put away.
//
// Guarantees. The accusé is whole and durable, the file is where it belongs, before the row says so; a crash in between
// repeats the same steps with the same names. Refused flux and the refused records of others are kept in
// rejet/<emetteur>/, named by their ticket, with the accusé beside; an accepted flux's file has served and goes.
#pragma once

#include <stop_token>
#include <string>

#include "stages/spool.h"
#include "store/store.h"

namespace navette::stages {

// Returns how many flux were answered. Throws Error, once all others are, when some could not be: they stay due.
std::size_t answer(const Spool& spool, store::Store& store, const std::stop_token& stop);

// AR_<identifiant>_<ticket>.xml, or AR_<ticket>.xml when the flux had no valid identifiant.
std::string accuse_name(const store::FluxAnswer& answer);

}  // namespace navette::stages
