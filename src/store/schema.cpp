#include "store/schema.h"

#include <array>

#include <fmt/format.h>

#include "base/error.h"

namespace navette::store {
namespace {

// Instants are INTEGER milliseconds since 1970 UTC, days TEXT YYYY-MM-DD (Europe/Paris), states the names of
// model/states.
//
// Families' data sit in `charge` and nowhere else, keyed by demande, so that destruction is one DELETE (R6). What stays
// beside it (reference, INSEE codes, dates, hashes) proves without telling.
constexpr const char* migration_1 = R"sql(
CREATE TABLE flux (
  id INTEGER PRIMARY KEY,
  ticket TEXT NOT NULL UNIQUE,           -- name of the claimed file in travail/<emetteur>/
  emetteur TEXT NOT NULL,
  nom TEXT NOT NULL,                     -- of the deposited file, made printable
  recu_le INTEGER NOT NULL,
  taille INTEGER NOT NULL,
  sha256 TEXT,                           -- NULL: not a readable regular file
  probleme TEXT,                         -- code found while claiming
  etat TEXT NOT NULL CHECK (etat IN ('recu', 'accepte', 'partiel', 'refuse', 'doublon')),
  type TEXT,
  identifiant TEXT,
  code TEXT, ligne INTEGER, colonne INTEGER, chemin TEXT,
  recus INTEGER NOT NULL DEFAULT 0,
  acceptes INTEGER NOT NULL DEFAULT 0,
  doublons INTEGER NOT NULL DEFAULT 0,
  refuses INTEGER NOT NULL DEFAULT 0,
  lectures INTEGER NOT NULL DEFAULT 0,   -- readings begun: one that brings us down goes behind the others
  traite_le INTEGER,
  accuse TEXT                            -- file name, once it is written and the flux's own file is put away
) STRICT;
-- A refused flux does not use up its identifier.
CREATE UNIQUE INDEX flux_identite ON flux (emetteur, identifiant) WHERE etat IN ('accepte', 'partiel');
CREATE INDEX flux_recu ON flux (lectures >= 3, id) WHERE etat = 'recu';
CREATE INDEX flux_accuse_du ON flux (id) WHERE accuse IS NULL AND etat <> 'recu';

CREATE TABLE refus (
  flux_id INTEGER NOT NULL REFERENCES flux (id),
  rang INTEGER NOT NULL,
  genre TEXT NOT NULL CHECK (genre IN ('refus', 'doublon')),
  reference TEXT,
  code TEXT NOT NULL, ligne INTEGER NOT NULL, colonne INTEGER NOT NULL, chemin TEXT NOT NULL,
  PRIMARY KEY (flux_id, rang)
) STRICT, WITHOUT ROWID;

CREATE TABLE demande (
  id INTEGER PRIMARY KEY,
  flux_id INTEGER NOT NULL REFERENCES flux (id),
  emetteur TEXT NOT NULL,
  reference TEXT NOT NULL,
  jour TEXT NOT NULL,
  sha256 TEXT NOT NULL,                  -- of the canonical XML
  admise INTEGER NOT NULL DEFAULT 0,     -- 0: staged, its flux is still being read
  retenue TEXT,                          -- why an operator holds it
  sans_lieu INTEGER NOT NULL DEFAULT 0,  -- 1: the last look found no lieu for any commune (R11)
  UNIQUE (emetteur, reference)
) STRICT;
CREATE INDEX demande_flux ON demande (flux_id);
CREATE INDEX demande_en_lecture ON demande (flux_id) WHERE admise = 0;
CREATE INDEX demande_retenue ON demande (id) WHERE retenue IS NOT NULL;
CREATE INDEX demande_reference ON demande (reference);

CREATE TABLE charge (
  demande_id INTEGER PRIMARY KEY REFERENCES demande (id),
  xml BLOB NOT NULL
) STRICT;

CREATE TABLE demande_commune (
  demande_id INTEGER NOT NULL REFERENCES demande (id),
  insee TEXT NOT NULL,
  etat TEXT NOT NULL CHECK (etat IN ('nouvelle', 'attente', 'servie')),
  PRIMARY KEY (demande_id, insee)
) STRICT, WITHOUT ROWID;
CREATE INDEX commune_nouvelle ON demande_commune (demande_id) WHERE etat = 'nouvelle';
CREATE INDEX commune_attente ON demande_commune (insee) WHERE etat = 'attente';

-- Communes for which a lieu opens on a day: what waits for them is looked at again then, and only then (R11).
CREATE TABLE reexamen (
  jour TEXT NOT NULL,
  insee TEXT NOT NULL,
  PRIMARY KEY (jour, insee)
) STRICT, WITHOUT ROWID;

CREATE TABLE contact_caf (
  caf TEXT NOT NULL,
  courriel TEXT NOT NULL,
  PRIMARY KEY (caf, courriel)
) STRICT, WITHOUT ROWID;

CREATE TABLE convention (
  id INTEGER PRIMARY KEY,
  caf TEXT NOT NULL,
  numero TEXT NOT NULL,
  type TEXT NOT NULL,
  flux_cree TEXT NOT NULL DEFAULT '',    -- creation date and time of the last flux applied: an older one undoes nothing
  UNIQUE (caf, numero)
) STRICT;

CREATE TABLE version (
  id INTEGER PRIMARY KEY,
  convention_id INTEGER NOT NULL REFERENCES convention (id),
  version INTEGER NOT NULL,
  signee TEXT NOT NULL,
  effet TEXT NOT NULL,
  activee TEXT,
  suspendue TEXT, suspension_motif TEXT,
  fin_cause TEXT, fin_recue TEXT, fin TEXT,
  siret TEXT NOT NULL, partenaire TEXT NOT NULL, adresse TEXT NOT NULL,
  delai_retrait INTEGER NOT NULL CHECK (delai_retrait BETWEEN 5 AND 15),
  conservation INTEGER NOT NULL CHECK (conservation BETWEEN 1 AND 6),
  cadence TEXT NOT NULL,
  en_vigueur_du TEXT, en_vigueur_au TEXT,  -- derived from the dates of all versions; NULL du: never
  UNIQUE (convention_id, version)
) STRICT;

CREATE TABLE annexe_commune (
  version_id INTEGER NOT NULL REFERENCES version (id),
  rang INTEGER NOT NULL,
  insee TEXT NOT NULL,
  PRIMARY KEY (version_id, rang)
) STRICT, WITHOUT ROWID;

CREATE TABLE personne (
  version_id INTEGER NOT NULL REFERENCES version (id),
  rang INTEGER NOT NULL,
  numero TEXT NOT NULL,
  civilite TEXT NOT NULL, nom TEXT NOT NULL, prenom TEXT NOT NULL, courriel TEXT NOT NULL, role TEXT NOT NULL,
  du TEXT NOT NULL, au TEXT,
  PRIMARY KEY (version_id, rang)
) STRICT, WITHOUT ROWID;

CREATE TABLE etablissement (
  version_id INTEGER NOT NULL REFERENCES version (id),
  rang INTEGER NOT NULL,
  identifiant TEXT NOT NULL, nom TEXT NOT NULL, type TEXT NOT NULL, commune TEXT NOT NULL,
  ouvertures TEXT NOT NULL,              -- comma separated
  PRIMARY KEY (version_id, rang)
) STRICT, WITHOUT ROWID;

CREATE TABLE lieu (
  id INTEGER PRIMARY KEY,
  identifiant TEXT NOT NULL UNIQUE,
  caf TEXT NOT NULL,
  siren TEXT NOT NULL,                   -- of the partner: a lieu never changes hands
  suspendu TEXT                          -- why an operator suspended it
) STRICT;

CREATE TABLE lieu_version (
  version_id INTEGER NOT NULL REFERENCES version (id),
  lieu_id INTEGER NOT NULL REFERENCES lieu (id),
  rang INTEGER NOT NULL,
  nom TEXT NOT NULL, adresse TEXT NOT NULL,
  canal TEXT NOT NULL, profil TEXT NOT NULL,
  PRIMARY KEY (version_id, lieu_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX lieu_version_lieu ON lieu_version (lieu_id, version_id);

CREATE TABLE lieu_commune (
  version_id INTEGER NOT NULL REFERENCES version (id),
  lieu_id INTEGER NOT NULL REFERENCES lieu (id),
  rang INTEGER NOT NULL,
  insee TEXT NOT NULL,
  PRIMARY KEY (version_id, lieu_id, rang)
) STRICT, WITHOUT ROWID;
CREATE INDEX lieu_commune_insee ON lieu_commune (insee);

CREATE TABLE remise (
  id INTEGER PRIMARY KEY,
  nom TEXT NOT NULL UNIQUE,
  lieu_id INTEGER NOT NULL REFERENCES lieu (id),
  version_id INTEGER NOT NULL REFERENCES version (id),
  etat TEXT NOT NULL,
  composee_le INTEGER NOT NULL,
  nombre INTEGER NOT NULL,               -- demandes
  delai_retrait INTEGER NOT NULL,        -- days; the one notified stays, whatever an avenant changes later
  tentatives INTEGER NOT NULL DEFAULT 0,
  premiere_tentative INTEGER,
  prochaine INTEGER NOT NULL,
  motif TEXT,                            -- of the last attempt that did not succeed, or of the hold
  retenue_operateur INTEGER NOT NULL DEFAULT 0,  -- 1: held by hand, and `retry` does not free it
  livree_le INTEGER,                     -- transmission: R6 counts from here
  faits TEXT,
  depart_efface INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX remise_due ON remise (prochaine) WHERE etat = 'prete';
CREATE INDEX remise_retenue ON remise (id) WHERE etat = 'retenue';
CREATE INDEX remise_a_effacer ON remise (id) WHERE depart_efface = 0 AND etat IN ('livree', 'dissoute');
CREATE INDEX remise_lieu ON remise (lieu_id, id);

CREATE TABLE remise_fichier (
  remise_id INTEGER NOT NULL REFERENCES remise (id),
  rang INTEGER NOT NULL,
  nom TEXT NOT NULL,
  genre TEXT NOT NULL CHECK (genre IN ('pdf', 'xml', 'manifeste')),
  taille INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  demande_id INTEGER REFERENCES demande (id),
  PRIMARY KEY (remise_id, rang)
) STRICT, WITHOUT ROWID;

CREATE TABLE acheminement (
  id INTEGER PRIMARY KEY,
  demande_id INTEGER NOT NULL REFERENCES demande (id),
  lieu_id INTEGER NOT NULL REFERENCES lieu (id),
  version_id INTEGER NOT NULL REFERENCES version (id),
  etat TEXT NOT NULL,
  du INTEGER NOT NULL,                   -- when it may leave: the convention's cadence
  remise_id INTEGER REFERENCES remise (id),
  motif TEXT,
  UNIQUE (demande_id, lieu_id)
) STRICT;
CREATE INDEX acheminement_du ON acheminement (lieu_id, du) WHERE etat = 'a-remettre';
CREATE INDEX acheminement_retenu ON acheminement (id) WHERE etat = 'retenu';
CREATE INDEX acheminement_remise ON acheminement (remise_id);

CREATE TABLE notification (
  remise_id INTEGER PRIMARY KEY REFERENCES remise (id),
  etat TEXT NOT NULL CHECK (etat IN ('a-envoyer', 'envoyee')),
  tentatives INTEGER NOT NULL DEFAULT 0,
  prochaine INTEGER NOT NULL,
  motif TEXT,
  message_id TEXT,
  acceptee_le INTEGER,                   -- R5: its day in Paris is day 0
  destinataires INTEGER NOT NULL DEFAULT 0
) STRICT;
-- A demande is deleted when its flux is refused: without it, each would walk through all files.
CREATE INDEX remise_fichier_demande ON remise_fichier (demande_id);
CREATE INDEX notification_due ON notification (prochaine) WHERE etat = 'a-envoyer';

CREATE TABLE echeance (
  id INTEGER PRIMARY KEY,
  genre TEXT NOT NULL,
  remise_id INTEGER REFERENCES remise (id),
  jour TEXT NOT NULL,                    -- last day of the delay, ends at 24:00 in Paris
  etat TEXT NOT NULL
) STRICT;
CREATE INDEX echeance_jour ON echeance (jour) WHERE etat = 'ouverte';
CREATE INDEX echeance_remise ON echeance (remise_id);

-- What waits, counted as it changes: a pass with nothing due asks for it, and must not count 100,000 rows.
CREATE TABLE compteur (
  nom TEXT PRIMARY KEY,                  -- acheminement.<etat>, demande.sans-lieu
  valeur INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER acheminement_compte AFTER INSERT ON acheminement BEGIN
  INSERT INTO compteur VALUES ('acheminement.' || NEW.etat, 1) ON CONFLICT DO UPDATE SET valeur = valeur + 1;
END;
CREATE TRIGGER acheminement_recompte AFTER UPDATE OF etat ON acheminement WHEN OLD.etat <> NEW.etat BEGIN
  UPDATE compteur SET valeur = valeur - 1 WHERE nom = 'acheminement.' || OLD.etat;
  INSERT INTO compteur VALUES ('acheminement.' || NEW.etat, 1) ON CONFLICT DO UPDATE SET valeur = valeur + 1;
END;
CREATE TRIGGER acheminement_decompte AFTER DELETE ON acheminement BEGIN
  UPDATE compteur SET valeur = valeur - 1 WHERE nom = 'acheminement.' || OLD.etat;
END;
CREATE TRIGGER sans_lieu_recompte AFTER UPDATE OF sans_lieu ON demande WHEN OLD.sans_lieu <> NEW.sans_lieu BEGIN
  INSERT INTO compteur VALUES ('demande.sans-lieu', NEW.sans_lieu - OLD.sans_lieu)
    ON CONFLICT DO UPDATE SET valeur = valeur + NEW.sans_lieu - OLD.sans_lieu;
END;
CREATE TRIGGER sans_lieu_decompte AFTER DELETE ON demande WHEN OLD.sans_lieu = 1 BEGIN
  UPDATE compteur SET valeur = valeur - 1 WHERE nom = 'demande.sans-lieu';
END;

CREATE TABLE trace (
  seq INTEGER PRIMARY KEY,
  le INTEGER NOT NULL,
  acteur TEXT NOT NULL,
  action TEXT NOT NULL,
  objet TEXT NOT NULL,
  detail_sha256 TEXT NOT NULL,           -- of salt and detail; empty: no detail
  hash TEXT NOT NULL                     -- SHA-256 over the former hash and this row
) STRICT;
CREATE INDEX trace_objet ON trace (objet);
CREATE TABLE trace_detail (
  seq INTEGER PRIMARY KEY REFERENCES trace (seq),
  sel BLOB NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE TRIGGER trace_sans_modification BEFORE UPDATE ON trace BEGIN SELECT RAISE(ABORT, 'trace is append-only'); END;
CREATE TRIGGER trace_sans_effacement BEFORE DELETE ON trace BEGIN SELECT RAISE(ABORT, 'trace is append-only'); END;
)sql";

// 1: an attempt was begun whose outcome is not written down: what the lieu has is not known.
constexpr const char* migration_2 = R"sql(
ALTER TABLE remise ADD COLUMN en_cours INTEGER NOT NULL DEFAULT 0;
)sql";

// How the server of a lieu does: backoff and holds are the partner's, not each remise's. And which files of a remise an
// attempt that failed left there for certain.
constexpr const char* migration_3 = R"sql(
ALTER TABLE lieu ADD COLUMN prochaine INTEGER NOT NULL DEFAULT 0;  -- nothing of it is tried before
ALTER TABLE lieu ADD COLUMN echecs INTEGER NOT NULL DEFAULT 0;     -- in a row
ALTER TABLE lieu ADD COLUMN premier_echec INTEGER;
ALTER TABLE lieu ADD COLUMN retenu INTEGER NOT NULL DEFAULT 0;     -- 1: waits for a person
ALTER TABLE lieu ADD COLUMN dernier_succes INTEGER;
ALTER TABLE lieu ADD COLUMN derniere_erreur TEXT;
ALTER TABLE lieu ADD COLUMN erreur_le INTEGER;
ALTER TABLE remise_fichier ADD COLUMN arrive INTEGER NOT NULL DEFAULT 0;
)sql";

// What the latest pass could not do: for `status`, which makes no pass. No family's data: what, where, what to do (R9).
constexpr const char* migration_4 = R"sql(
CREATE TABLE incident (
  cle TEXT PRIMARY KEY,                  -- the same fault in the next pass
  texte TEXT NOT NULL,
  depuis INTEGER NOT NULL                -- the first pass, of those in a row, that met it
) STRICT, WITHOUT ROWID;
)sql";

// Withdrawn remises (a-rappeler, rappelee), remises issued again (R15), the daily alert to each Caf.
constexpr const char* migration_5 = R"sql(
ALTER TABLE remise ADD COLUMN rappel TEXT;                         -- why an operator withdrew it
ALTER TABLE remise ADD COLUMN rappelee_le INTEGER;
ALTER TABLE remise ADD COLUMN rappel_faits TEXT;                   -- what its channel could remove
ALTER TABLE remise ADD COLUMN reemise_de INTEGER REFERENCES remise (id);  -- the first issue: its acheminements are meant
CREATE INDEX remise_a_rappeler ON remise (prochaine) WHERE etat = 'a-rappeler';
CREATE INDEX remise_reemise ON remise (reemise_de) WHERE reemise_de IS NOT NULL;
DROP INDEX remise_a_effacer;
CREATE INDEX remise_a_effacer ON remise (id)
  WHERE depart_efface = 0 AND etat IN ('livree', 'dissoute', 'rappelee');
CREATE TABLE alerte (
  caf TEXT NOT NULL,
  jour TEXT NOT NULL,
  tentatives INTEGER NOT NULL,
  prochaine INTEGER NOT NULL,
  motif TEXT,
  acceptee_le INTEGER,
  PRIMARY KEY (caf, jour)
) STRICT, WITHOUT ROWID;
CREATE INDEX acheminement_annule ON acheminement (version_id) WHERE etat = 'annule';
-- Asked for by an operator, not packed yet.
CREATE TABLE reemission (
  remise_id INTEGER PRIMARY KEY REFERENCES remise (id),  -- the first issue
  motif TEXT NOT NULL
) STRICT;
)sql";

// Pickup by the lieu: when, what proves it, who. And how far the server's log of the dépôts was read.
constexpr const char* migration_6 = R"sql(
ALTER TABLE remise ADD COLUMN livree_par INTEGER REFERENCES version (id);  -- whose channel it went; NULL: version_id
ALTER TABLE remise ADD COLUMN retiree_le INTEGER;
ALTER TABLE remise ADD COLUMN retrait_preuve TEXT;     -- model/pickup
ALTER TABLE remise ADD COLUMN retrait_personne TEXT;   -- numéro, once a retrait flux told it
CREATE INDEX remise_a_retirer ON remise (lieu_id, livree_le) WHERE etat = 'livree' AND retiree_le IS NULL;
ALTER TABLE remise_fichier ADD COLUMN lu INTEGER NOT NULL DEFAULT 0;  -- 1: the lieu read it whole, says the log

CREATE TABLE journal (
  fichier TEXT PRIMARY KEY,              -- path
  inode INTEGER NOT NULL,                -- of the file that was read last: another one was rotated in
  position INTEGER NOT NULL              -- bytes of it that are done
) STRICT, WITHOUT ROWID;
CREATE TABLE journal_session (           -- open ones: which account a process of the log serves
  pid INTEGER PRIMARY KEY,
  compte TEXT NOT NULL
) STRICT;
)sql";

// Who has a notification that others are still to get: they do not get it again.
constexpr const char* migration_7 = R"sql(
CREATE TABLE notification_recue (
  remise_id INTEGER NOT NULL REFERENCES remise (id),
  destinataire TEXT NOT NULL,            -- numéro of the person; boite-du-lieu
  PRIMARY KEY (remise_id, destinataire)
) STRICT, WITHOUT ROWID;
)sql";

// Lieux that are served through the very same access fail and heal together: `acces` is that part of a profile in its
// canonical form, from the host to the pinned host key, or our own mail server. Withdrawn remises of which only the
// lieu can destroy what it has (a-detruire) leave nothing in depart/.
constexpr const char* migration_8 = R"sql(
ALTER TABLE lieu_version ADD COLUMN acces TEXT GENERATED ALWAYS AS (CASE
  WHEN canal = 'sftp' THEN substr(profil, instr(profil, '<hote>'), instr(profil, '<repertoire>') - instr(profil, '<hote>'))
  WHEN canal = 'courriel' AND instr(profil, '<clair') = 0 THEN canal END) VIRTUAL;
CREATE INDEX lieu_version_acces ON lieu_version (acces) WHERE acces IS NOT NULL;
ALTER TABLE lieu ADD COLUMN portee TEXT NOT NULL DEFAULT 'lieu' CHECK (portee IN ('lieu', 'acces'));  -- of its failure
ALTER TABLE notification ADD COLUMN retenue INTEGER NOT NULL DEFAULT 0;  -- 1: refused for good, waits for a person
-- Where files of ours lie: what an attempt left at another place is removed there first, and none of it has arrived here.
ALTER TABLE lieu_version ADD COLUMN place TEXT GENERATED ALWAYS AS (CASE canal
  WHEN 'sftp' THEN substr(profil, instr(profil, '<hote>'), instr(profil, '<identifiantSecret>') - instr(profil, '<hote>'))
    || substr(profil, instr(profil, '<repertoire>'), instr(profil, '</repertoire>') - instr(profil, '<repertoire>'))
    || iif(instr(profil, '<creationRepertoire>true<') > 0, '/', '')
  ELSE canal END) VIRTUAL;
ALTER TABLE remise ADD COLUMN tentee_par INTEGER REFERENCES version (id);  -- by whose channel; NULL: nothing is left of it
UPDATE remise SET tentee_par = version_id WHERE tentatives > 0 AND etat IN ('prete', 'retenue', 'a-rappeler');
-- Nobody was asked to have the lieu destroy a mail that was withdrawn. What goes wrong with our own mail server holds no
-- lieu any more; the others that are held stay so, each for itself (portee), as it was told to whom it may concern.
UPDATE remise SET etat = 'a-detruire', motif = 'rappel-impossible: ' || rappel_faits, rappelee_le = NULL, rappel_faits = NULL
  WHERE etat = 'rappelee' AND rappel_faits LIKE 'a mail cannot be taken back: %';
UPDATE lieu SET retenu = 0, echecs = 0, premier_echec = NULL, prochaine = 0
  WHERE derniere_erreur LIKE 'serveur-messagerie: %' OR derniere_erreur LIKE 'mail server %';
DROP INDEX remise_a_effacer;
CREATE INDEX remise_a_effacer ON remise (id)
  WHERE depart_efface = 0 AND etat IN ('livree', 'dissoute', 'a-detruire', 'rappelee');
CREATE INDEX remise_a_detruire ON remise (id) WHERE etat = 'a-detruire';
-- What was answered since a date is counted, not looked for among the latest few.
CREATE INDEX flux_traite ON flux (traite_le);
-- Demandes that nobody has any more are told of (R11).
CREATE INDEX acheminement_retire ON acheminement (demande_id) WHERE etat = 'retire';
)sql";

// Day 0 is the day on which somebody was told, however long the others take (R5). Where no evidence of a pickup can
// come none is awaited.
constexpr const char* migration_9 = R"sql(
ALTER TABLE notification ADD COLUMN premiere_le INTEGER;  -- accepted for a first addressee, others still to be told
UPDATE echeance SET etat = 'sans-preuve' WHERE genre = 'retrait' AND etat = 'ouverte' AND remise_id IN (
  SELECT r.id FROM remise r JOIN lieu_version v ON v.version_id = coalesce(r.livree_par, r.version_id) AND v.lieu_id = r.lieu_id
  WHERE instr(v.profil, '<preuveRetrait>aucune<') > 0);
)sql";

// A remise has a cover sheet.
constexpr const char* migration_10 = R"sql(
CREATE TABLE fichier_de_remise (
  remise_id INTEGER NOT NULL REFERENCES remise (id),
  rang INTEGER NOT NULL,
  nom TEXT NOT NULL,
  genre TEXT NOT NULL CHECK (genre IN ('pdf', 'xml', 'bordereau', 'manifeste')),
  taille INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  demande_id INTEGER REFERENCES demande (id),
  arrive INTEGER NOT NULL DEFAULT 0,
  lu INTEGER NOT NULL DEFAULT 0,         -- 1: the lieu read it whole, says the log
  PRIMARY KEY (remise_id, rang)
) STRICT, WITHOUT ROWID;
INSERT INTO fichier_de_remise SELECT remise_id, rang, nom, genre, taille, sha256, demande_id, arrive, lu FROM remise_fichier;
DROP TABLE remise_fichier;
ALTER TABLE fichier_de_remise RENAME TO remise_fichier;
CREATE INDEX remise_fichier_demande ON remise_fichier (demande_id);
)sql";

// Where files of ours lie, and under which names: what an attempt left under a suffix that is no more the profile's is
// removed under that one. Failures far apart are no series. Who picked up may be told after the pickup was seen.
constexpr const char* migration_11 = R"sql(
ALTER TABLE lieu_version DROP COLUMN place;
ALTER TABLE lieu_version ADD COLUMN place TEXT GENERATED ALWAYS AS (CASE canal
  WHEN 'sftp' THEN substr(profil, instr(profil, '<hote>'), instr(profil, '<identifiantSecret>') - instr(profil, '<hote>'))
    || substr(profil, instr(profil, '<repertoire>'), instr(profil, '<ecrasement>') - instr(profil, '<repertoire>'))
    || iif(instr(profil, '<creationRepertoire>true<') > 0, '/', '')
  ELSE canal END) VIRTUAL;
ALTER TABLE remise ADD COLUMN derniere_tentative INTEGER;
CREATE INDEX remise_sans_personne ON remise (retiree_le)
  WHERE etat = 'livree' AND retrait_personne IS NULL AND retiree_le IS NOT NULL;
)sql";

// Beside a mail in clear the remise lies in the dépôt, as without it. What a lieu waits for ends when another version
// comes into force.
constexpr const char* migration_12 = R"sql(
ALTER TABLE lieu_version DROP COLUMN place;
ALTER TABLE lieu_version ADD COLUMN place TEXT GENERATED ALWAYS AS (CASE
  WHEN canal = 'sftp' THEN substr(profil, instr(profil, '<hote>'), instr(profil, '<identifiantSecret>') - instr(profil, '<hote>'))
    || substr(profil, instr(profil, '<repertoire>'), instr(profil, '<ecrasement>') - instr(profil, '<repertoire>'))
    || iif(instr(profil, '<creationRepertoire>true<') > 0, '/', '')
  WHEN canal = 'courriel' AND instr(profil, '<clair') > 0 THEN 'depot'
  ELSE canal END) VIRTUAL;
ALTER TABLE lieu ADD COLUMN attend_par INTEGER REFERENCES version (id);  -- by which it last failed or was put off
)sql";

// The five days of failures that are a remise's own begin with the first of these, not with an attempt that its partner
// failed.
constexpr const char* migration_13 = R"sql(
ALTER TABLE remise ADD COLUMN premier_echec INTEGER;
)sql";

// Looks for pickups: what the last one at a lieu could not do, and what it left there. R5's day 0 is that of the first
// acceptance: its deadline is there while others are still to be told. Who is refused for good is not asked again.
constexpr const char* migration_14 = R"sql(
CREATE TABLE regard (
  lieu_id INTEGER NOT NULL REFERENCES lieu (id),
  version_id INTEGER NOT NULL REFERENCES version (id),  -- whose channel it is
  faute TEXT NOT NULL,
  echoue_le INTEGER,                     -- it could not look: not again for an hour; NULL: with the next passes
  PRIMARY KEY (lieu_id, version_id, faute)
) STRICT, WITHOUT ROWID;
CREATE TABLE retour (                    -- files in a return directory, by a digest: their names are their sender's
  lieu_id INTEGER NOT NULL REFERENCES lieu (id),
  endroit TEXT NOT NULL,                 -- the directory, by account and server
  marque TEXT NOT NULL,
  apporte INTEGER NOT NULL,              -- 1: taken in, and could not be removed there; 0: could not be fetched
  PRIMARY KEY (lieu_id, endroit, marque)
) STRICT, WITHOUT ROWID;
ALTER TABLE remise ADD COLUMN rappel_entame INTEGER NOT NULL DEFAULT 0;  -- 1: what is gone since may be our doing
UPDATE remise SET rappel_entame = 1 WHERE etat = 'a-rappeler';
ALTER TABLE notification_recue ADD COLUMN refus TEXT;  -- not reached, in the server's words; NULL: has it
ALTER TABLE notification_recue ADD COLUMN adresse TEXT;  -- SHA-256 of the address that has it, or refused it for good: another is asked
ALTER TABLE notification ADD COLUMN retenue_par INTEGER REFERENCES version (id);  -- all refused: until another is in force
ALTER TABLE lieu ADD COLUMN relance_le INTEGER;  -- an operator wants it tried and looked at again, since then
)sql";

constexpr std::array<const char*, 14> migrations = {migration_1,  migration_2,  migration_3,  migration_4, migration_5,
                                                    migration_6,  migration_7,  migration_8,  migration_9, migration_10,
                                                    migration_11, migration_12, migration_13, migration_14};

std::int64_t version_of(sqlite::Connection& connection) {
  auto q = connection.query("PRAGMA user_version");
  q.step();
  return q.integer(0);
}

std::string newer(std::int64_t found) {
  return fmt::format("the database is at version {}, this navette knows {}: install the newer navette", found,
                     migrations.size());
}

}  // namespace

void migrate(sqlite::Connection& connection) {
  const auto target = static_cast<std::int64_t>(migrations.size());
  if (version_of(connection) == target) return;
  sqlite::Transaction transaction(connection);
  const std::int64_t from = version_of(connection);  // read again: another process may have been first
  if (from > target) throw Error(newer(from));
  for (std::int64_t v = from; v < target; ++v) connection.execute(migrations.at(static_cast<std::size_t>(v)));
  connection.execute(fmt::format("PRAGMA user_version={}", target));
  transaction.commit();
}

void require_current(sqlite::Connection& connection) {
  const std::int64_t found = version_of(connection);
  const auto known = static_cast<std::int64_t>(migrations.size());
  if (found > known) throw Error(newer(found));
  if (found == 0) {
    throw Error(
        "the database has no tables yet: the first `navette run` or `serve` is making them, or was cut short; try "
        "again "
        "in a moment, then run it once more");
  }
  if (found < known) {
    throw Error(
        fmt::format("the database is at version {}, this navette knows {}: run the daemon or `navette run` once to "
                    "migrate it",
                    found, known));
  }
}

}  // namespace navette::store
