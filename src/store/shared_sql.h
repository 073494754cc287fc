// Pieces of SQL that several statements share, so that these are never of two minds. Macros: parts of literals.
#pragma once

// NOLINTBEGIN(cppcoreguidelines-macro-usage)

// Ids of all remises that wait for a person: held, of a held partner, to be destroyed by the lieu, or delivered with a
// notification that all refuse. Each branch walks a partial index of what is not done; CROSS JOIN keeps the planner
// from beginning with the lieux, and walking through the history of each.
#define HELD_REMISES                                                                                         \
  "(SELECT id FROM remise WHERE etat = 'retenue' UNION ALL SELECT id FROM remise WHERE etat = 'a-detruire' " \
  "UNION ALL SELECT w.id FROM remise w CROSS JOIN lieu l ON l.id = w.lieu_id WHERE w.etat = 'prete' AND "    \
  "l.retenu = 1 UNION ALL SELECT w.id FROM remise w CROSS JOIN lieu l ON l.id = w.lieu_id WHERE "            \
  "w.etat = 'a-rappeler' AND l.retenu = 1 "                                                                  \
  "UNION ALL SELECT remise_id FROM notification WHERE etat = 'a-envoyer' AND retenue = 1)"

// Of `remise r JOIN lieu l`: it, or what went before it at its lieu, failed, and it is tried again by itself. And why.
#define IN_TROUBLE "r.etat = 'prete' AND l.retenu = 0 AND l.suspendu IS NULL AND (r.tentatives > 0 OR l.echecs > 0)"
#define LAST_FAILURE "coalesce(r.motif, iif(l.echecs > 0, l.derniere_erreur, NULL))"

// Demandes `d` that were withdrawn from all who had them, as model::demande_state has it.
#define WITHDRAWN_DEMANDES                                                                                      \
  "demande d WHERE d.id IN (SELECT demande_id FROM acheminement INDEXED BY acheminement_retire WHERE etat = "   \
  "'retire') AND d.retenue IS NULL AND NOT EXISTS (SELECT 1 FROM acheminement o WHERE o.demande_id = d.id AND " \
  "o.etat NOT IN ('retire', 'annule'))"

// And of these: some issue of a remise that it was in is not removed yet, or was so at ?1 or later.
#define LATELY_WITHDRAWN                                                                                          \
  "EXISTS (SELECT 1 FROM acheminement a JOIN remise r ON r.id = a.remise_id OR r.reemise_de = a.remise_id WHERE " \
  "a.demande_id = d.id AND a.etat = 'retire' AND (r.etat IN ('a-rappeler', 'a-detruire') OR r.rappelee_le >= ?1))"

// Of `remise r`: withdrawn after it left by e-mail. A mail cannot be taken back, for which nothing of the partner's or
// of our mail server's is needed.
#define WITHDRAWN_MAIL                                                                                             \
  "(r.etat = 'a-rappeler' AND (SELECT o.place FROM lieu_version o WHERE o.lieu_id = r.lieu_id AND o.version_id = " \
  "coalesce(r.livree_par, r.tentee_par, r.version_id)) IS 'courriel')"

// Of `lieu_version lv`: its remises lie in the dépôt, by that channel or while a mail in clear tells of them.
#define IN_DEPOT "lv.place = 'depot'"

// Id of the version by which a lieu is served on a day; NULL: by none.
#define VERSION_IN_FORCE(lieu, day)                                                                     \
  "(SELECT max(v.id) FROM lieu_version o JOIN version v ON v.id = o.version_id WHERE o.lieu_id = " lieu \
  " AND v.en_vigueur_du <= " day " AND (v.en_vigueur_au IS NULL OR v.en_vigueur_au >= " day "))"

// Ids of the lieux that are served through the same access as the lieu ?1 on the day ?2, itself included.
#define SAME_ACCESS                                                                                                  \
  "(SELECT o.lieu_id FROM lieu_version lv JOIN lieu_version o ON o.acces = lv.acces "                                \
  "JOIN version mine ON mine.id = lv.version_id JOIN version v ON v.id = o.version_id "                              \
  "WHERE lv.lieu_id = ?1 AND mine.en_vigueur_du <= ?2 AND (mine.en_vigueur_au IS NULL OR mine.en_vigueur_au >= ?2) " \
  "AND v.en_vigueur_du <= ?2 AND (v.en_vigueur_au IS NULL OR v.en_vigueur_au >= ?2))"

// NOLINTEND(cppcoreguidelines-macro-usage)
