// Names inside a lieu's dépôt (depot_sender.h tells what each holds).
#pragma once

namespace navette::channels::depot {

inline constexpr const char* in_progress = ".en-cours";
inline constexpr const char* remises = "remises";
inline constexpr const char* returns = "retour";
inline constexpr const char* log_sockets = "dev";  // for the system log's socket, /dev/log inside the chroot

}  // namespace navette::channels::depot
