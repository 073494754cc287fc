-- A database at version 7 with something in every table but etablissement: nine lieux, five of them held, remises in every
-- state, notifications, a trace whose details are erased in part. Everything in it is invented. Its schema is that of
-- migrations 1 to 7 (src/store/schema.cpp), as sqlite3 dumps it; for tests/unit/store/migration_test.cpp.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO "acheminement" VALUES(1,1,1,2,'en-remise',1794459600000,1,NULL);
INSERT INTO "acheminement" VALUES(2,2,2,2,'en-remise',1794459600000,2,NULL);
INSERT INTO "acheminement" VALUES(3,3,1,2,'en-remise',1794459600000,3,NULL);
INSERT INTO "acheminement" VALUES(4,4,1,2,'en-remise',1794459600000,4,NULL);
INSERT INTO "acheminement" VALUES(5,5,1,2,'remis',1794459600000,5,NULL);
INSERT INTO "acheminement" VALUES(6,6,2,2,'remis',1794459600000,6,NULL);
INSERT INTO "acheminement" VALUES(7,7,5,2,'remis',1794459600000,7,NULL);
INSERT INTO "acheminement" VALUES(8,8,1,2,'annule',1794459600000,NULL,NULL);
INSERT INTO "acheminement" VALUES(9,9,2,2,'retire',1794459600000,9,NULL);
INSERT INTO "acheminement" VALUES(10,10,2,2,'retire',1794459600000,10,NULL);
INSERT INTO "acheminement" VALUES(11,11,5,2,'retire',1794459600000,11,NULL);
INSERT INTO "acheminement" VALUES(12,12,5,2,'retire',1794459600000,12,NULL);
INSERT INTO "acheminement" VALUES(14,14,9,3,'a-remettre',1794459600000,NULL,NULL);
CREATE TABLE alerte (
  caf TEXT NOT NULL,
  jour TEXT NOT NULL,
  tentatives INTEGER NOT NULL,
  prochaine INTEGER NOT NULL,
  motif TEXT,
  acceptee_le INTEGER,
  PRIMARY KEY (caf, jour)
) STRICT, WITHOUT ROWID;
INSERT INTO "alerte" VALUES('421','2026-11-19',1,1794459600000,NULL,1794459600000);
CREATE TABLE annexe_commune (
  version_id INTEGER NOT NULL REFERENCES version (id),
  rang INTEGER NOT NULL,
  insee TEXT NOT NULL,
  PRIMARY KEY (version_id, rang)
) STRICT, WITHOUT ROWID;
INSERT INTO "annexe_commune" VALUES(1,1,'42218');
INSERT INTO "annexe_commune" VALUES(2,1,'42218');
INSERT INTO "annexe_commune" VALUES(3,1,'42218');
CREATE TABLE charge (
  demande_id INTEGER PRIMARY KEY REFERENCES demande (id),
  xml BLOB NOT NULL
) STRICT;
INSERT INTO "charge" VALUES(1,X'3C64656D616E64653E696E76656E74C3A96520313C2F64656D616E64653E');
INSERT INTO "charge" VALUES(2,X'3C64656D616E64653E696E76656E74C3A96520323C2F64656D616E64653E');
INSERT INTO "charge" VALUES(3,X'3C64656D616E64653E696E76656E74C3A96520333C2F64656D616E64653E');
INSERT INTO "charge" VALUES(4,X'3C64656D616E64653E696E76656E74C3A96520343C2F64656D616E64653E');
INSERT INTO "charge" VALUES(5,X'3C64656D616E64653E696E76656E74C3A96520353C2F64656D616E64653E');
INSERT INTO "charge" VALUES(6,X'3C64656D616E64653E696E76656E74C3A96520363C2F64656D616E64653E');
INSERT INTO "charge" VALUES(7,X'3C64656D616E64653E696E76656E74C3A96520373C2F64656D616E64653E');
INSERT INTO "charge" VALUES(8,X'3C64656D616E64653E696E76656E74C3A96520383C2F64656D616E64653E');
INSERT INTO "charge" VALUES(9,X'3C64656D616E64653E696E76656E74C3A96520393C2F64656D616E64653E');
INSERT INTO "charge" VALUES(10,X'3C64656D616E64653E696E76656E74C3A9652031303C2F64656D616E64653E');
INSERT INTO "charge" VALUES(11,X'3C64656D616E64653E696E76656E74C3A9652031313C2F64656D616E64653E');
INSERT INTO "charge" VALUES(12,X'3C64656D616E64653E696E76656E74C3A9652031323C2F64656D616E64653E');
INSERT INTO "charge" VALUES(14,X'3C64656D616E64653E696E76656E74C3A9652031343C2F64656D616E64653E');
CREATE TABLE compteur (
  nom TEXT PRIMARY KEY,                  -- acheminement.<etat>, demande.sans-lieu
  valeur INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "compteur" VALUES('acheminement.a-remettre',1);
INSERT INTO "compteur" VALUES('acheminement.annule',1);
INSERT INTO "compteur" VALUES('acheminement.en-remise',4);
INSERT INTO "compteur" VALUES('acheminement.remis',3);
INSERT INTO "compteur" VALUES('acheminement.retire',4);
INSERT INTO "compteur" VALUES('demande.sans-lieu',1);
CREATE TABLE contact_caf (
  caf TEXT NOT NULL,
  courriel TEXT NOT NULL,
  PRIMARY KEY (caf, courriel)
) STRICT, WITHOUT ROWID;
INSERT INTO "contact_caf" VALUES('421','contact@caf42.example.org');
CREATE TABLE convention (
  id INTEGER PRIMARY KEY,
  caf TEXT NOT NULL,
  numero TEXT NOT NULL,
  type TEXT NOT NULL,
  flux_cree TEXT NOT NULL DEFAULT '',    -- creation date and time of the last flux applied: an older one undoes nothing
  UNIQUE (caf, numero)
) STRICT;
INSERT INTO "convention" VALUES(1,'421','CLI_1','lieu-information','2026-11-01T06:00:00');
INSERT INTO "convention" VALUES(2,'421','CLI_2','lieu-information','2026-11-01T06:00:00');
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
INSERT INTO "demande" VALUES(1,2,'monenfant','A1','2026-11-09','b05526fbcf1400e7a732c181debc20445bf400909c61e72c54fad7c08d42499c',1,NULL,0);
INSERT INTO "demande" VALUES(2,2,'monenfant','A2','2026-11-09','3fb7471141b6d56e1c8d8dee96b326b8884c70b7e11f75aa5fc7bc9eb285dd72',1,NULL,0);
INSERT INTO "demande" VALUES(3,2,'monenfant','A3','2026-11-09','5cd6a53299ad4317641613858db99df399e785e61cfda49d715dcdd5f66da373',1,'la famille rappelle',0);
INSERT INTO "demande" VALUES(4,2,'monenfant','A4','2026-11-09','61eeb2d0d3e27ece6f822cfe957564655b4a7e2b1b186f0174e6d71a849709f5',1,NULL,0);
INSERT INTO "demande" VALUES(5,2,'monenfant','A5','2026-11-09','0b6106c5f1d8a40bad3a84057ccc486e1b2b614e16859f62f6f34f125d12fb21',1,NULL,0);
INSERT INTO "demande" VALUES(6,2,'monenfant','A6','2026-11-09','d6ea0a1e3152f5fbac680cb49f09ff7a321f72cc8fbfcc9c1389f2c231267c43',1,NULL,0);
INSERT INTO "demande" VALUES(7,2,'monenfant','A7','2026-11-09','c4f8482de4312b48f780dc04f2d0b47ab36bc0945738c6eeba2d91e706afe633',1,NULL,0);
INSERT INTO "demande" VALUES(8,2,'monenfant','A8','2026-11-09','f5228a65a44b3144b865fb5e1cabaea84aba4774c93c958bbb06ca72d8800c38',1,NULL,0);
INSERT INTO "demande" VALUES(9,2,'monenfant','A9','2026-11-09','c70f23e2247842fdda6a3d09143615005347b6e9ab0af7e08cf23f633bab8445',1,NULL,0);
INSERT INTO "demande" VALUES(10,2,'monenfant','A10','2026-11-09','0a347549d826afe9fa5c1e024c34e23d281e7ddc4ca9650561f82ebd040a47aa',1,NULL,0);
INSERT INTO "demande" VALUES(11,2,'monenfant','A11','2026-11-09','cd2406d02d2596b7841b308df6a14650c95598dcfecec65010f5e11a6ea71f94',1,NULL,0);
INSERT INTO "demande" VALUES(12,2,'monenfant','A12','2026-11-09','8371adec13f5a55835905677462d39320ceb23e4f73a0248ea208c2e1e94dc4e',1,NULL,0);
INSERT INTO "demande" VALUES(14,2,'monenfant','A14','2026-11-09','8527a891e224136950ff32ca212b45bc93f69fbb801c3b1ebedac52775f99e61',1,NULL,1);
CREATE TABLE demande_commune (
  demande_id INTEGER NOT NULL REFERENCES demande (id),
  insee TEXT NOT NULL,
  etat TEXT NOT NULL CHECK (etat IN ('nouvelle', 'attente', 'servie')),
  PRIMARY KEY (demande_id, insee)
) STRICT, WITHOUT ROWID;
INSERT INTO "demande_commune" VALUES(1,'42218','servie');
INSERT INTO "demande_commune" VALUES(2,'42218','servie');
INSERT INTO "demande_commune" VALUES(3,'42218','servie');
INSERT INTO "demande_commune" VALUES(4,'42218','servie');
INSERT INTO "demande_commune" VALUES(5,'42218','servie');
INSERT INTO "demande_commune" VALUES(6,'42218','servie');
INSERT INTO "demande_commune" VALUES(7,'42218','servie');
INSERT INTO "demande_commune" VALUES(8,'42218','servie');
INSERT INTO "demande_commune" VALUES(9,'42218','servie');
INSERT INTO "demande_commune" VALUES(10,'42218','servie');
INSERT INTO "demande_commune" VALUES(11,'42218','servie');
INSERT INTO "demande_commune" VALUES(12,'42218','servie');
INSERT INTO "demande_commune" VALUES(14,'42095','attente');
CREATE TABLE echeance (
  id INTEGER PRIMARY KEY,
  genre TEXT NOT NULL,
  remise_id INTEGER REFERENCES remise (id),
  jour TEXT NOT NULL,                    -- last day of the delay, ends at 24:00 in Paris
  etat TEXT NOT NULL
) STRICT;
INSERT INTO "echeance" VALUES(1,'retrait',5,'2026-11-22','ouverte');
INSERT INTO "echeance" VALUES(2,'retrait',6,'2026-11-22','tenue');
INSERT INTO "echeance" VALUES(3,'retrait',11,'2026-11-22','annulee');
CREATE TABLE etablissement (
  version_id INTEGER NOT NULL REFERENCES version (id),
  rang INTEGER NOT NULL,
  identifiant TEXT NOT NULL, nom TEXT NOT NULL, type TEXT NOT NULL, commune TEXT NOT NULL,
  ouvertures TEXT NOT NULL,              -- comma separated
  PRIMARY KEY (version_id, rang)
) STRICT, WITHOUT ROWID;
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
INSERT INTO "flux" VALUES(1,'20261101T060000-0001','caf-421','habilitations.xml',1793512800000,4120,'3f524cdc07a11d7c6220bdb049fe8dd41b27483c96cc59b581e022d547290d69',NULL,'accepte','habilitations','HAB-1',NULL,NULL,NULL,NULL,2,2,0,0,1,1793512801000,'HAB-1.accuse.xml');
INSERT INTO "flux" VALUES(2,'20261110T060000-0001','monenfant','demandes.xml',1794290400000,90210,'e4ab4e3b1493d5a997b4e51cdefbaa10570ef3ea9432bd72e7b6a89654ceb7f6',NULL,'partiel','demandes','D-1',NULL,NULL,NULL,NULL,15,13,1,1,1,1794290402000,'D-1.accuse.xml');
INSERT INTO "flux" VALUES(3,'20261119T060000-0001','monenfant','abime.xml',1795068000000,12,'625e0f649de27800fc3bcf4c118ef79f69dcb762c2e73fbb1cfce0e7a86f6b80',NULL,'refuse',NULL,NULL,'XML_MAL_FORME',1,3,'/',0,0,0,0,1,1795068001000,NULL);
INSERT INTO "flux" VALUES(4,'20261120T050000-0001','monenfant','demain.xml',1795150800000,500,'608cdb524384f5ee06edc2830d6b13a92047229398768ff88e28ad68d02569e8',NULL,'recu',NULL,NULL,NULL,NULL,NULL,NULL,0,0,0,0,0,NULL,NULL);
CREATE TABLE incident (
  cle TEXT PRIMARY KEY,                  -- the same fault in the next pass
  texte TEXT NOT NULL,
  depuis INTEGER NOT NULL                -- the first pass, of those in a row, that met it
) STRICT, WITHOUT ROWID;
INSERT INTO "incident" VALUES('render','a font is missing',1794459600000);
CREATE TABLE journal (
  fichier TEXT PRIMARY KEY,              -- path
  inode INTEGER NOT NULL,                -- of the file that was read last: another one was rotated in
  position INTEGER NOT NULL              -- bytes of it that are done
) STRICT, WITHOUT ROWID;
INSERT INTO "journal" VALUES('/var/log/sftp.log',77,4096);
CREATE TABLE journal_session (           -- open ones: which account a process of the log serves
  pid INTEGER PRIMARY KEY,
  compte TEXT NOT NULL
) STRICT;
INSERT INTO "journal_session" VALUES(4711,'rpe-depot');
CREATE TABLE lieu (
  id INTEGER PRIMARY KEY,
  identifiant TEXT NOT NULL UNIQUE,
  caf TEXT NOT NULL,
  siren TEXT NOT NULL,                   -- of the partner: a lieu never changes hands
  suspendu TEXT                          -- why an operator suspended it
, prochaine INTEGER NOT NULL DEFAULT 0, echecs INTEGER NOT NULL DEFAULT 0, premier_echec INTEGER, retenu INTEGER NOT NULL DEFAULT 0, dernier_succes INTEGER, derniere_erreur TEXT, erreur_le INTEGER) STRICT;
INSERT INTO "lieu" VALUES(1,'rpe-depot','421','214202185',NULL,0,0,NULL,0,1794459600000,NULL,NULL);
INSERT INTO "lieu" VALUES(2,'rpe-sftp','421','214202185',NULL,1795152600000,3,1794546000000,0,1794459600000,'serveur-injoignable: sftp.example.org:22: connection refused',1795149000000);
INSERT INTO "lieu" VALUES(3,'rpe-sftp-retenu','421','214202185',NULL,1795152600000,1,1794546000000,1,NULL,'connexion-refusee: sftp.example.org:22: the server accepts neither the key nor the password of epci',1795149000000);
INSERT INTO "lieu" VALUES(4,'rpe-sftp-retenu-2','421','214202185',NULL,1795152600000,1,1794546000000,1,NULL,'connexion-refusee: sftp.example.org:22: the server accepts neither the key nor the password of epci',1795149000000);
INSERT INTO "lieu" VALUES(5,'rpe-courriel','421','214202185',NULL,1795152600000,130,1794546000000,1,1794459600000,'serveur-messagerie: mail server smtp.example.org:587: Failed to connect',1795149000000);
INSERT INTO "lieu" VALUES(6,'rpe-courriel-retenu','421','214202185',NULL,1795152600000,130,1794546000000,1,NULL,'mail server smtp.example.org:587: Failed to connect',1795149000000);
INSERT INTO "lieu" VALUES(7,'rpe-courriel-refuse','421','214202185',NULL,1795152600000,1,1794546000000,1,NULL,'destinataire-refuse: the mail server says: 550 5.1.1 <(address)>: unknown',1795149000000);
INSERT INTO "lieu" VALUES(8,'rpe-clair','421','214202185',NULL,0,0,NULL,0,NULL,NULL,NULL);
INSERT INTO "lieu" VALUES(9,'rpe-suspendu','421','214202185','travaux',0,0,NULL,0,NULL,NULL,NULL);
CREATE TABLE lieu_commune (
  version_id INTEGER NOT NULL REFERENCES version (id),
  lieu_id INTEGER NOT NULL REFERENCES lieu (id),
  rang INTEGER NOT NULL,
  insee TEXT NOT NULL,
  PRIMARY KEY (version_id, lieu_id, rang)
) STRICT, WITHOUT ROWID;
INSERT INTO "lieu_commune" VALUES(1,1,1,'42218');
INSERT INTO "lieu_commune" VALUES(1,2,1,'42218');
INSERT INTO "lieu_commune" VALUES(1,3,1,'42218');
INSERT INTO "lieu_commune" VALUES(1,4,1,'42218');
INSERT INTO "lieu_commune" VALUES(1,5,1,'42218');
INSERT INTO "lieu_commune" VALUES(1,6,1,'42218');
INSERT INTO "lieu_commune" VALUES(1,7,1,'42218');
INSERT INTO "lieu_commune" VALUES(1,8,1,'42218');
INSERT INTO "lieu_commune" VALUES(2,1,1,'42218');
INSERT INTO "lieu_commune" VALUES(2,2,1,'42218');
INSERT INTO "lieu_commune" VALUES(2,3,1,'42218');
INSERT INTO "lieu_commune" VALUES(2,4,1,'42218');
INSERT INTO "lieu_commune" VALUES(2,5,1,'42218');
INSERT INTO "lieu_commune" VALUES(2,6,1,'42218');
INSERT INTO "lieu_commune" VALUES(2,7,1,'42218');
INSERT INTO "lieu_commune" VALUES(2,8,1,'42218');
INSERT INTO "lieu_commune" VALUES(3,9,1,'42218');
CREATE TABLE lieu_version (
  version_id INTEGER NOT NULL REFERENCES version (id),
  lieu_id INTEGER NOT NULL REFERENCES lieu (id),
  rang INTEGER NOT NULL,
  nom TEXT NOT NULL, adresse TEXT NOT NULL,
  canal TEXT NOT NULL, profil TEXT NOT NULL,
  PRIMARY KEY (version_id, lieu_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "lieu_version" VALUES(1,1,1,'Relais rpe-depot','','depot','');
INSERT INTO "lieu_version" VALUES(1,2,2,'Relais rpe-sftp','','sftp','<sftp><hote>sftp.example.org</hote><port>22</port><utilisateur>epci</utilisateur><identifiantSecret>cle</identifiantSecret><hotesConnus>hotes</hotesConnus><repertoire>un</repertoire><renommage>true</renommage><ecrasement>false</ecrasement><creationRepertoire>true</creationRepertoire><controleTaille>true</controleTaille><preuveRetrait>disparition</preuveRetrait><connexions>1</connexions></sftp>');
INSERT INTO "lieu_version" VALUES(1,3,3,'Relais rpe-sftp-retenu','','sftp','<sftp><hote>sftp.example.org</hote><port>22</port><utilisateur>epci</utilisateur><identifiantSecret>cle</identifiantSecret><hotesConnus>hotes</hotesConnus><repertoire>deux</repertoire><renommage>true</renommage><ecrasement>false</ecrasement><creationRepertoire>true</creationRepertoire><controleTaille>true</controleTaille><preuveRetrait>disparition</preuveRetrait><connexions>1</connexions></sftp>');
INSERT INTO "lieu_version" VALUES(1,4,4,'Relais rpe-sftp-retenu-2','','sftp','<sftp><hote>sftp.example.org</hote><port>22</port><utilisateur>epci</utilisateur><identifiantSecret>cle</identifiantSecret><hotesConnus>hotes</hotesConnus><repertoire>trois</repertoire><renommage>true</renommage><ecrasement>false</ecrasement><creationRepertoire>true</creationRepertoire><controleTaille>true</controleTaille><preuveRetrait>disparition</preuveRetrait><connexions>1</connexions></sftp>');
INSERT INTO "lieu_version" VALUES(1,5,5,'Relais rpe-courriel','','courriel','<courriel><adresse>un@relais.example.org</adresse><chiffrement><smime><certificat>rpe</certificat></smime></chiffrement><tailleMaximale>10000000</tailleMaximale></courriel>');
INSERT INTO "lieu_version" VALUES(1,6,6,'Relais rpe-courriel-retenu','','courriel','<courriel><adresse>deux@relais.example.org</adresse><chiffrement><smime><certificat>rpe</certificat></smime></chiffrement><tailleMaximale>10000000</tailleMaximale></courriel>');
INSERT INTO "lieu_version" VALUES(1,7,7,'Relais rpe-courriel-refuse','','courriel','<courriel><adresse>trois@relais.example.org</adresse><chiffrement><smime><certificat>rpe</certificat></smime></chiffrement><tailleMaximale>10000000</tailleMaximale></courriel>');
INSERT INTO "lieu_version" VALUES(1,8,8,'Relais rpe-clair','','courriel','<courriel><adresse>quatre@relais.example.org</adresse><chiffrement><clair/></chiffrement><tailleMaximale>10000000</tailleMaximale></courriel>');
INSERT INTO "lieu_version" VALUES(2,1,1,'Relais rpe-depot','','depot','');
INSERT INTO "lieu_version" VALUES(2,2,2,'Relais rpe-sftp','','sftp','<sftp><hote>sftp.example.org</hote><port>22</port><utilisateur>epci</utilisateur><identifiantSecret>cle</identifiantSecret><hotesConnus>hotes</hotesConnus><repertoire>un</repertoire><renommage>true</renommage><ecrasement>false</ecrasement><creationRepertoire>true</creationRepertoire><controleTaille>true</controleTaille><preuveRetrait>disparition</preuveRetrait><connexions>1</connexions></sftp>');
INSERT INTO "lieu_version" VALUES(2,3,3,'Relais rpe-sftp-retenu','','sftp','<sftp><hote>sftp.example.org</hote><port>22</port><utilisateur>epci</utilisateur><identifiantSecret>cle</identifiantSecret><hotesConnus>hotes</hotesConnus><repertoire>deux</repertoire><renommage>true</renommage><ecrasement>false</ecrasement><creationRepertoire>true</creationRepertoire><controleTaille>true</controleTaille><preuveRetrait>disparition</preuveRetrait><connexions>1</connexions></sftp>');
INSERT INTO "lieu_version" VALUES(2,4,4,'Relais rpe-sftp-retenu-2','','sftp','<sftp><hote>sftp.example.org</hote><port>22</port><utilisateur>epci</utilisateur><identifiantSecret>cle</identifiantSecret><hotesConnus>hotes</hotesConnus><repertoire>trois</repertoire><renommage>true</renommage><ecrasement>false</ecrasement><creationRepertoire>true</creationRepertoire><controleTaille>true</controleTaille><preuveRetrait>disparition</preuveRetrait><connexions>1</connexions></sftp>');
INSERT INTO "lieu_version" VALUES(2,5,5,'Relais rpe-courriel','','courriel','<courriel><adresse>un@relais.example.org</adresse><chiffrement><smime><certificat>rpe</certificat></smime></chiffrement><tailleMaximale>10000000</tailleMaximale></courriel>');
INSERT INTO "lieu_version" VALUES(2,6,6,'Relais rpe-courriel-retenu','','courriel','<courriel><adresse>deux@relais.example.org</adresse><chiffrement><smime><certificat>rpe</certificat></smime></chiffrement><tailleMaximale>10000000</tailleMaximale></courriel>');
INSERT INTO "lieu_version" VALUES(2,7,7,'Relais rpe-courriel-refuse','','courriel','<courriel><adresse>trois@relais.example.org</adresse><chiffrement><smime><certificat>rpe</certificat></smime></chiffrement><tailleMaximale>10000000</tailleMaximale></courriel>');
INSERT INTO "lieu_version" VALUES(2,8,8,'Relais rpe-clair','','courriel','<courriel><adresse>quatre@relais.example.org</adresse><chiffrement><clair/></chiffrement><tailleMaximale>10000000</tailleMaximale></courriel>');
INSERT INTO "lieu_version" VALUES(3,9,9,'Relais rpe-suspendu','','depot','');
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
INSERT INTO "notification" VALUES(5,'envoyee',1,1794459600000,NULL,'r5@caf42.example.org',1794459720000,2);
INSERT INTO "notification" VALUES(6,'envoyee',2,1794459600000,NULL,'r6@caf42.example.org',1794459720000,1);
INSERT INTO "notification" VALUES(7,'a-envoyer',4,1795154400000,'destinataire-differe: the mail server says: 451',NULL,NULL,0);
INSERT INTO "notification" VALUES(13,'a-envoyer',0,1794459600000,NULL,NULL,NULL,0);
CREATE TABLE notification_recue (
  remise_id INTEGER NOT NULL REFERENCES remise (id),
  destinataire TEXT NOT NULL,            -- numéro of the person; boite-du-lieu
  PRIMARY KEY (remise_id, destinataire)
) STRICT, WITHOUT ROWID;
INSERT INTO "notification_recue" VALUES(5,'P1');
INSERT INTO "notification_recue" VALUES(5,'P2');
INSERT INTO "notification_recue" VALUES(6,'P1');
INSERT INTO "notification_recue" VALUES(7,'P1');
CREATE TABLE personne (
  version_id INTEGER NOT NULL REFERENCES version (id),
  rang INTEGER NOT NULL,
  numero TEXT NOT NULL,
  civilite TEXT NOT NULL, nom TEXT NOT NULL, prenom TEXT NOT NULL, courriel TEXT NOT NULL, role TEXT NOT NULL,
  du TEXT NOT NULL, au TEXT,
  PRIMARY KEY (version_id, rang)
) STRICT, WITHOUT ROWID;
INSERT INTO "personne" VALUES(1,1,'P1','MME','Vuillermet','Odette','odette@relais.example.org','agent','2025-10-01',NULL);
INSERT INTO "personne" VALUES(1,2,'P2','M','Bonnefoy','Paul','paul@relais.example.org','agent','2025-10-01',NULL);
INSERT INTO "personne" VALUES(2,1,'P1','MME','Vuillermet','Odette','odette@relais.example.org','agent','2025-10-01',NULL);
INSERT INTO "personne" VALUES(2,2,'P2','M','Bonnefoy','Paul','paul@relais.example.org','agent','2025-10-01',NULL);
INSERT INTO "personne" VALUES(3,1,'P1','MME','Vuillermet','Odette','odette@relais.example.org','agent','2025-10-01',NULL);
INSERT INTO "personne" VALUES(3,2,'P2','M','Bonnefoy','Paul','paul@relais.example.org','agent','2025-10-01',NULL);
CREATE TABLE reemission (
  remise_id INTEGER PRIMARY KEY REFERENCES remise (id),  -- the first issue
  motif TEXT NOT NULL
) STRICT;
INSERT INTO "reemission" VALUES(6,'disque perdu');
CREATE TABLE reexamen (
  jour TEXT NOT NULL,
  insee TEXT NOT NULL,
  PRIMARY KEY (jour, insee)
) STRICT, WITHOUT ROWID;
INSERT INTO "reexamen" VALUES('2026-12-01','42095');
CREATE TABLE refus (
  flux_id INTEGER NOT NULL REFERENCES flux (id),
  rang INTEGER NOT NULL,
  genre TEXT NOT NULL CHECK (genre IN ('refus', 'doublon')),
  reference TEXT,
  code TEXT NOT NULL, ligne INTEGER NOT NULL, colonne INTEGER NOT NULL, chemin TEXT NOT NULL,
  PRIMARY KEY (flux_id, rang)
) STRICT, WITHOUT ROWID;
INSERT INTO "refus" VALUES(2,14,'refus','R14','AGE_NON_ELIGIBLE',800,4,'/demandes/demande[14]');
INSERT INTO "refus" VALUES(2,15,'doublon','A1','DOUBLON',860,4,'/demandes/demande[15]');
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
, en_cours INTEGER NOT NULL DEFAULT 0, rappel TEXT, rappelee_le INTEGER, rappel_faits TEXT, reemise_de INTEGER REFERENCES remise (id), livree_par INTEGER REFERENCES version (id), retiree_le INTEGER, retrait_preuve TEXT, retrait_personne TEXT) STRICT;
INSERT INTO "remise" VALUES(1,'rpe-depot-20261112-1',1,2,'prete',1794459600000,1,10,0,NULL,1794459600000,NULL,0,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(2,'rpe-sftp-20261112-2',2,2,'prete',1794459600000,1,10,3,1794459601000,1794459600000,'serveur-injoignable: sftp.example.org:22: connection refused',0,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(3,'rpe-depot-20261112-3',1,2,'retenue',1794459600000,1,10,0,NULL,1794459600000,'le relais déménage',1,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(4,'rpe-depot-20261112-4',1,2,'retenue',1794459600000,1,10,40,1794459601000,1794459600000,'not delivered for five days: erreur-systeme: disk',0,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(5,'rpe-depot-20261112-5',1,2,'livree',1794459600000,1,10,1,1794459601000,1794459600000,NULL,0,1794459660000,'invented',1,0,NULL,NULL,NULL,NULL,2,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(6,'rpe-sftp-20261112-6',2,2,'livree',1794459600000,1,10,2,1794459601000,1794459600000,NULL,0,1794459660000,'invented',1,0,NULL,NULL,NULL,NULL,2,1794463200000,'disparition',NULL);
INSERT INTO "remise" VALUES(7,'rpe-courriel-20261112-7',5,2,'livree',1794459600000,1,10,1,1794459601000,1794459600000,NULL,0,1794459660000,'invented',1,0,NULL,NULL,NULL,NULL,2,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(8,'rpe-depot-20261112-8',1,2,'dissoute',1794459600000,1,10,0,NULL,1794459600000,'habilitation perdue avant la livraison',0,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(9,'rpe-sftp-20261112-9',2,2,'a-rappeler',1794459600000,1,10,1,1794459601000,1794459600000,NULL,0,1794459660000,'invented',1,0,'erreur de lieu',NULL,NULL,NULL,2,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(10,'rpe-sftp-20261112-10',2,2,'rappelee',1794459600000,1,10,1,1794459601000,1794459600000,NULL,0,1794459660000,'invented',1,0,'erreur de lieu',1794466800000,'5 files removed',NULL,2,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(11,'rpe-courriel-20261112-11',5,2,'rappelee',1794459600000,1,10,1,1794459601000,1794459600000,NULL,0,1794459660000,'invented',1,0,'erreur de lieu',1794466800000,'a mail cannot be taken back: ask the lieu to destroy what it has',NULL,2,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(12,'rpe-courriel-20261112-12',5,2,'rappelee',1794459600000,1,10,0,NULL,1794459600000,NULL,0,NULL,NULL,0,0,'erreur de lieu',1794466800000,'nothing had left',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "remise" VALUES(13,'rpe-depot-20261112-13',1,2,'livree',1794459600000,1,10,1,1794459601000,1794459600000,NULL,0,1794459660000,'invented',1,0,NULL,NULL,NULL,5,2,NULL,NULL,NULL);
CREATE TABLE remise_fichier (
  remise_id INTEGER NOT NULL REFERENCES remise (id),
  rang INTEGER NOT NULL,
  nom TEXT NOT NULL,
  genre TEXT NOT NULL CHECK (genre IN ('pdf', 'xml', 'manifeste')),
  taille INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  demande_id INTEGER REFERENCES demande (id), arrive INTEGER NOT NULL DEFAULT 0, lu INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (remise_id, rang)
) STRICT, WITHOUT ROWID;
INSERT INTO "remise_fichier" VALUES(1,1,'DI_monenfant_A1.pdf','pdf',1000,'1094f3116655e00af71d0fa99beb3e3a9c1233d16d1dce04932fd63ac46a548c',1,0,0);
INSERT INTO "remise_fichier" VALUES(1,2,'DI_monenfant_A1.xml','xml',2000,'6a66d558d01488f97817a0e48064dec32faad5218c85c1c6de79c385082eb5c2',1,0,0);
INSERT INTO "remise_fichier" VALUES(1,3,'manifeste.xml','manifeste',3000,'dbf776c2e0821249b4006a0b98c20202125290f5b8a7ab975a69aeab89030c54',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(2,1,'DI_monenfant_A2.pdf','pdf',1000,'1b72f7e6f65b16a70cd6440f4b1b28eb2356121a5799dc23d4655d8ef95bc8b3',2,1,0);
INSERT INTO "remise_fichier" VALUES(2,2,'DI_monenfant_A2.xml','xml',2000,'41cff6e607d547089aab8f09b984099bf1ea450408771f0b72db7210fae41662',2,0,0);
INSERT INTO "remise_fichier" VALUES(2,3,'manifeste.xml','manifeste',3000,'a97666e05bc588d5a82e28bcc37fb73d88ea832c15307da9b0e24e7eff195cfc',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(3,1,'DI_monenfant_A3.pdf','pdf',1000,'3669164ca7994754157c40b0a8e4d0295e71d21bdfb8ad5b68defd0f7e587519',3,0,0);
INSERT INTO "remise_fichier" VALUES(3,2,'DI_monenfant_A3.xml','xml',2000,'1c22027972612b7f71cb59dd09f162ce1fcf6b7d42f3d8c4db2b1d512393b7bc',3,0,0);
INSERT INTO "remise_fichier" VALUES(3,3,'manifeste.xml','manifeste',3000,'bb430ff6d53075b106807be74f5064f843d913e6a9e5efcf3ea5699e594d189a',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(4,1,'DI_monenfant_A4.pdf','pdf',1000,'0b3454a77b75681dd86bee29e238cf5a185a7f6bd610cec72fdcb72df5e4f0fb',4,0,0);
INSERT INTO "remise_fichier" VALUES(4,2,'DI_monenfant_A4.xml','xml',2000,'8ca51aab06cf6020e47778ab6dc2f62fcf5ad9ea04500d0f929a00c6dbb566bf',4,0,0);
INSERT INTO "remise_fichier" VALUES(4,3,'manifeste.xml','manifeste',3000,'e7ac5a314239dcec0989d7d55210e88ff95664c3c4a73a46e6391c63a793c528',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(5,1,'DI_monenfant_A5.pdf','pdf',1000,'ad47e7800990622071353346e2a74eac00f3187493af03cba5ef7d38db64d3ed',5,0,0);
INSERT INTO "remise_fichier" VALUES(5,2,'DI_monenfant_A5.xml','xml',2000,'239754f44bf43bdf705cdf369ac6864ba817215c5ff891a0f397a8e3d51e6b8e',5,0,0);
INSERT INTO "remise_fichier" VALUES(5,3,'manifeste.xml','manifeste',3000,'a747ffc8abfaf9bd8e68e40672b22f6018778653454e3257bd5d7f5ce8249056',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(6,1,'DI_monenfant_A6.pdf','pdf',1000,'d7c771fd899ba6731ad2c97947b66075a39571e917e405bcfb6385b8a1256877',6,0,0);
INSERT INTO "remise_fichier" VALUES(6,2,'DI_monenfant_A6.xml','xml',2000,'53ca46d77963c720bb15cd8c2299e742d99415d2ff888962f500d57e6c706fd0',6,0,0);
INSERT INTO "remise_fichier" VALUES(6,3,'manifeste.xml','manifeste',3000,'a73b23885cbf101215b26c335ee1c14d82907f14c3a02bc642cf42d63f3814d8',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(7,1,'DI_monenfant_A7.pdf','pdf',1000,'9f5dd44e00327d8b06a99d418c59abe4ce0c16662b2e17c301bff31193e659fa',7,0,0);
INSERT INTO "remise_fichier" VALUES(7,2,'DI_monenfant_A7.xml','xml',2000,'058d4156eb312d6796391b377b036f45b1a750c37edb690cdc37611901c5ab82',7,0,0);
INSERT INTO "remise_fichier" VALUES(7,3,'manifeste.xml','manifeste',3000,'7c99c2754be4996e519bf64729da51607fedea2774799fc494370d1043b9dd5b',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(8,1,'DI_monenfant_A8.pdf','pdf',1000,'6c1cfcc6a7064c48b1b5851ab63571c78d7e2778b93dac0f4d175e50975bde44',8,0,0);
INSERT INTO "remise_fichier" VALUES(8,2,'DI_monenfant_A8.xml','xml',2000,'bf5bd17d4b1711779bb1b8edc803557548999f8d58bf87fa155eb60122d675e5',8,0,0);
INSERT INTO "remise_fichier" VALUES(8,3,'manifeste.xml','manifeste',3000,'463da83e9ac083f2974ff4a39349bf015372d6906a1fffa93dfe69dcf19b6508',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(9,1,'DI_monenfant_A9.pdf','pdf',1000,'0400b53fe8d9d6a9d2dbe5c0857007978fbe843ce506afe1fd104ab6e4906ff8',9,0,0);
INSERT INTO "remise_fichier" VALUES(9,2,'DI_monenfant_A9.xml','xml',2000,'9143dfd51dedaa98cb1193148e78b82e907c2bc980939a15b61987ec421e5f57',9,0,0);
INSERT INTO "remise_fichier" VALUES(9,3,'manifeste.xml','manifeste',3000,'7702ff3d13f9db370aa040dfb38fef49b077da2c2e7c2074805a15f1193220fa',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(10,1,'DI_monenfant_A10.pdf','pdf',1000,'2eb35d205bd3b81bef8f0b8ad077f8a45bd1598c2d5682942a2e19bccfa9e3b3',10,0,0);
INSERT INTO "remise_fichier" VALUES(10,2,'DI_monenfant_A10.xml','xml',2000,'7a8bcffd99f2d07c1dd32bfa45cadb53941ed6c0217875493a3b6dfc134c0fe6',10,0,0);
INSERT INTO "remise_fichier" VALUES(10,3,'manifeste.xml','manifeste',3000,'4be025055df763f452b4adfd3c12c43da38af4259acd003000c6547a70e85fe5',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(11,1,'DI_monenfant_A11.pdf','pdf',1000,'f728eaea3c4bab43066ab022bfaf5f52916a80cd14b705088c89c35c713d6d3b',11,0,0);
INSERT INTO "remise_fichier" VALUES(11,2,'DI_monenfant_A11.xml','xml',2000,'2f4c6c83a9e8bfed39eedad70527034372de9d2e28786bbc25a33594c0f448d6',11,0,0);
INSERT INTO "remise_fichier" VALUES(11,3,'manifeste.xml','manifeste',3000,'44b67821477731295982a9db5a4b16b925e86dfdae060eb322695fa5774c4ec9',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(12,1,'DI_monenfant_A12.pdf','pdf',1000,'0cf6f08aacecb37e5b07a14f205800220c1136191c52dca69a35d53cd90085b5',12,0,0);
INSERT INTO "remise_fichier" VALUES(12,2,'DI_monenfant_A12.xml','xml',2000,'c84cc43ded832bdd05f12128601d768b39f34f63cdca4d2f60f46d59763ad628',12,0,0);
INSERT INTO "remise_fichier" VALUES(12,3,'manifeste.xml','manifeste',3000,'e75f72c4fd1e0a35cd2bfa68c9d064ada955cf4ae15dd8d75fbeccda0a92df01',NULL,0,0);
INSERT INTO "remise_fichier" VALUES(13,1,'DI_monenfant_A5.pdf','pdf',1000,'d44eec1f189048a97d95d1a09b3ebd7e9755aa0d808ba1b26136f6dfb4d8a46e',5,0,0);
INSERT INTO "remise_fichier" VALUES(13,2,'DI_monenfant_A5.xml','xml',2000,'2d8da4ff513d634e27581f038999517474fcce98161dad26c0256f80b3fc5f7c',5,0,0);
INSERT INTO "remise_fichier" VALUES(13,3,'manifeste.xml','manifeste',3000,'c1f069ecd89a3c44fa0c570d1d639f15498c661b2fdb7bfc9e83d86f2fa2bc67',NULL,0,0);
CREATE TABLE trace (
  seq INTEGER PRIMARY KEY,
  le INTEGER NOT NULL,
  acteur TEXT NOT NULL,
  action TEXT NOT NULL,
  objet TEXT NOT NULL,
  detail_sha256 TEXT NOT NULL,           -- of salt and detail; empty: no detail
  hash TEXT NOT NULL                     -- SHA-256 over the former hash and this row
) STRICT;
INSERT INTO "trace" VALUES(1,1794459601000,'navette','flux.recu','flux:20261110T060000-0001','','8d2a527ddcff682231d4ca721a32a2d43ae462109b10faf18938fe29b82fe7ac');
INSERT INTO "trace" VALUES(2,1794459602000,'navette','remise.composee','remise:rpe-depot-20261112-5','bf6e3ec6a28b6d6410c8096ab653331ee046081bd16fd955801062ee5e8792ee','bededb3f837bfe52c7c062e1fcd050c55847c959a54bc467c9a00baecf47f1ab');
INSERT INTO "trace" VALUES(3,1794459603000,'navette','remise.livree','remise:rpe-depot-20261112-5','e296de06dae1f73afe25ef550380f207ba5f550e5443aa5ff4358c5569afa803','223c77cd3fdf761dface64666b4a3f5520b646e5d56790f8ec9bd1f6686fe015');
INSERT INTO "trace" VALUES(4,1794459604000,'navette','notification.acceptee','remise:rpe-depot-20261112-5','f010f5552d5d790677f48d342e495908d5ee15f3d50f9a2d2497b92a9bc4cf7f','44fa7eb84150a9afe7dfbd8d79abf5d9a8026df1925d9daf9b248719bea0d610');
INSERT INTO "trace" VALUES(5,1794459605000,'odile','remise.rappel','remise:rpe-courriel-20261112-11','bb751654aade6428efa7fc9516c28bee80e880f73add5422a7f1e3cc30f59ef1','9178c37cfbfd0513b8875c5252a6a655b78e0ab6b2aac29909cdb13931476236');
INSERT INTO "trace" VALUES(6,1794459606000,'navette','remise.rappelee','remise:rpe-courriel-20261112-11','4f0b468b8b43f5989077ddef0085a9b02b4eb4fb5cbdbf8a705f7bc30bbad805','2a87af2ebca6be3861b247f4f4d84cbcf260f46c58ae221ac92856329fb2a39c');
INSERT INTO "trace" VALUES(7,1794459607000,'odile','demande.retenue','demande:monenfant/A3','51a0430a8c7123bded86bb63f14dc8c087f8d4b78596f7b0ed1acb8121a91256','3202fc622ca07928fd1285bdd5fcaa06b75b9d0b5905d235cbc8b5e300d0d435');
CREATE TABLE trace_detail (
  seq INTEGER PRIMARY KEY REFERENCES trace (seq),
  sel BLOB NOT NULL,
  detail TEXT NOT NULL
) STRICT;
INSERT INTO "trace_detail" VALUES(3,X'B9C975244CDCEA26DF25B4C4C5E049A9','invented');
INSERT INTO "trace_detail" VALUES(4,X'DC11FDD6FF982E240F98B4FED6036281','destinataires=2 dernier-jour=2026-11-22');
INSERT INTO "trace_detail" VALUES(5,X'6320D235434927996AA8C12514FCA251','motif=erreur de lieu');
INSERT INTO "trace_detail" VALUES(6,X'2183177713F536DB9461454D64F61F87','a mail cannot be taken back: ask the lieu to destroy what it has');
INSERT INTO "trace_detail" VALUES(7,X'B14BB953F60CDE6A46DA4C4900D58C13','motif=la famille rappelle');
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
INSERT INTO "version" VALUES(1,1,1,'2025-09-15','2025-10-01','2025-10-01',NULL,NULL,NULL,NULL,NULL,'21420218500016','Relais du Gier','',10,6,'immediat','2025-10-01','2026-10-31');
INSERT INTO "version" VALUES(2,1,2,'2025-09-15','2026-11-01','2026-11-01',NULL,NULL,NULL,NULL,NULL,'21420218500016','Relais du Gier','',10,6,'immediat','2026-11-01',NULL);
INSERT INTO "version" VALUES(3,2,1,'2025-09-15','2026-01-01','2026-01-01',NULL,NULL,NULL,NULL,NULL,'21420218500016','Relais du Gier','',10,6,'immediat','2026-01-01',NULL);
CREATE UNIQUE INDEX flux_identite ON flux (emetteur, identifiant) WHERE etat IN ('accepte', 'partiel');
CREATE INDEX flux_recu ON flux (lectures >= 3, id) WHERE etat = 'recu';
CREATE INDEX flux_accuse_du ON flux (id) WHERE accuse IS NULL AND etat <> 'recu';
CREATE INDEX demande_flux ON demande (flux_id);
CREATE INDEX demande_en_lecture ON demande (flux_id) WHERE admise = 0;
CREATE INDEX demande_retenue ON demande (id) WHERE retenue IS NOT NULL;
CREATE INDEX demande_reference ON demande (reference);
CREATE INDEX commune_nouvelle ON demande_commune (demande_id) WHERE etat = 'nouvelle';
CREATE INDEX commune_attente ON demande_commune (insee) WHERE etat = 'attente';
CREATE INDEX lieu_version_lieu ON lieu_version (lieu_id, version_id);
CREATE INDEX lieu_commune_insee ON lieu_commune (insee);
CREATE INDEX remise_due ON remise (prochaine) WHERE etat = 'prete';
CREATE INDEX remise_retenue ON remise (id) WHERE etat = 'retenue';
CREATE INDEX remise_lieu ON remise (lieu_id, id);
CREATE INDEX acheminement_du ON acheminement (lieu_id, du) WHERE etat = 'a-remettre';
CREATE INDEX acheminement_retenu ON acheminement (id) WHERE etat = 'retenu';
CREATE INDEX acheminement_remise ON acheminement (remise_id);
CREATE INDEX remise_fichier_demande ON remise_fichier (demande_id);
CREATE INDEX notification_due ON notification (prochaine) WHERE etat = 'a-envoyer';
CREATE INDEX echeance_jour ON echeance (jour) WHERE etat = 'ouverte';
CREATE INDEX echeance_remise ON echeance (remise_id);
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
CREATE INDEX trace_objet ON trace (objet);
CREATE TRIGGER trace_sans_modification BEFORE UPDATE ON trace BEGIN SELECT RAISE(ABORT, 'trace is append-only'); END;
CREATE TRIGGER trace_sans_effacement BEFORE DELETE ON trace BEGIN SELECT RAISE(ABORT, 'trace is append-only'); END;
CREATE INDEX remise_a_rappeler ON remise (prochaine) WHERE etat = 'a-rappeler';
CREATE INDEX remise_reemise ON remise (reemise_de) WHERE reemise_de IS NOT NULL;
CREATE INDEX remise_a_effacer ON remise (id)
  WHERE depart_efface = 0 AND etat IN ('livree', 'dissoute', 'rappelee');
CREATE INDEX acheminement_annule ON acheminement (version_id) WHERE etat = 'annule';
CREATE INDEX remise_a_retirer ON remise (lieu_id, livree_le) WHERE etat = 'livree' AND retiree_le IS NULL;
COMMIT;
PRAGMA user_version=7;
