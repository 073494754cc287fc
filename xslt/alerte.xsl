<?xml version="1.0" encoding="UTF-8"?>
<!--
  The daily alert to a Caf: what needs a person. Subject and text of one e-mail.

  Input, namespace urn:navette:alerte:1, every value a text:
    <alerte>
      <caf>     number of the Caf
      <jour>    in French: « 25 novembre 2026 »
      <point genre="…" nombre="…">   genre: one of those named below; nombre: of all its cases
        <cas>                        the first twenty
          <objet>   a lieu, a remise, a flux, a commune; of an incident: its kind, one of those named below
          <cause>   a code, one of those named below; empty or missing: none is told
          <motif>   a sentence in French, without its full stop; empty or missing: none
          <nombre>  of demandes that wait for the commune; missing elsewhere
        </cas>
      </point>
      <total>   of all cases of all points
    </alerte>
  Output, no namespace: <courriel><objet>…</objet><texte>…</texte></courriel>

  Nothing about a family may ever stand here, nor in the input (R9). Who reads it does not administer navette: what is
  wrong, and who must act, is told in French; the words of servers and of the system are those of `lieux show` and
  `remises show`. U+00A0 and U+202F are written as references, to be seen.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:a="urn:navette:alerte:1" exclude-result-prefixes="a">
  <xsl:output method="xml" encoding="UTF-8" indent="no"/>
  <xsl:strip-space elements="*"/>

  <xsl:template match="/a:alerte">
    <courriel>
      <objet>
        <xsl:text>navette – Caf </xsl:text>
        <xsl:value-of select="a:caf"/>
        <xsl:text>&#160;: </xsl:text>
        <xsl:value-of select="a:total"/>
        <xsl:choose>
          <xsl:when test="a:total &gt;= 2"> points à examiner, </xsl:when>
          <xsl:otherwise> point à examiner, </xsl:otherwise>
        </xsl:choose>
        <xsl:value-of select="a:jour"/>
      </objet>
      <texte>
        <xsl:text>Bonjour,&#10;&#10;Voici ce qui, dans l’acheminement des demandes d’information, attend l’intervention d’une personne au </xsl:text>
        <xsl:value-of select="a:jour"/>
        <xsl:text>. Ce message est envoyé une fois par jour au plus.&#10;</xsl:text>
        <xsl:apply-templates select="a:point"/>
        <xsl:text>&#10;L’état complet s’affiche, sur le serveur, par la commande «&#160;navette status&#160;».&#10;</xsl:text>
        <!-- Two hyphens and a blank alone on a line: what follows is a signature (RFC 3676). -->
        <xsl:text>&#10;-- &#10;Vous recevez ce message en qualité de contact de la Caf pour navette. Il est envoyé automatiquement et ne contient aucune donnée sur les familles&#160;: si vous y répondez, n’en indiquez pas.&#10;</xsl:text>
      </texte>
    </courriel>
  </xsl:template>

  <xsl:template match="a:point">
    <xsl:text>&#10;</xsl:text>
    <xsl:call-template name="titre"/>
    <xsl:text> (</xsl:text>
    <xsl:value-of select="@nombre"/>
    <xsl:text>)&#10;</xsl:text>
    <xsl:apply-templates select="a:cas"/>
    <xsl:if test="@nombre &gt; count(a:cas)">
      <xsl:text>  – et d’autres, au nombre de </xsl:text>
      <xsl:value-of select="@nombre - count(a:cas)"/>
      <xsl:text>&#10;</xsl:text>
    </xsl:if>
    <xsl:text>  À faire&#160;: </xsl:text>
    <xsl:call-template name="conseil"/>
    <xsl:text>&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="a:cas">
    <xsl:text>  – </xsl:text>
    <xsl:choose>
      <xsl:when test="../@genre = 'incident'"><xsl:call-template name="incident"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="a:objet"/></xsl:otherwise>
    </xsl:choose>
    <xsl:if test="a:nombre">
      <xsl:text>&#160;: </xsl:text>
      <xsl:value-of select="a:nombre"/>
      <xsl:choose>
        <xsl:when test="a:nombre &gt;= 2"> demandes</xsl:when>
        <xsl:otherwise> demande</xsl:otherwise>
      </xsl:choose>
    </xsl:if>
    <xsl:if test="a:motif != ''">
      <xsl:text>&#160;: </xsl:text>
      <xsl:value-of select="a:motif"/>
    </xsl:if>
    <xsl:if test="a:cause != ''">
      <xsl:text>&#160;: </xsl:text>
      <xsl:call-template name="cause"/>
    </xsl:if>
    <xsl:text>&#10;</xsl:text>
  </xsl:template>

  <!-- What is wrong and who must act. The codes are those of Refused and of reasons (model/delivery.h). -->
  <xsl:template name="cause">
    <xsl:variable name="code" select="a:cause"/>
    <!-- What is held has lasted. -->
    <xsl:variable name="si-cela-dure">
      <xsl:if test="not(../@genre = 'lieu-injoignable' or ../@genre = 'remise-retenue' or ../@genre = 'notification-retenue' or ../@genre = 'rappel-bloque')"> si cela dure</xsl:if>
    </xsl:variable>
    <xsl:choose>
      <xsl:when test="$code = 'operateur'">retenue par un opérateur de navette</xsl:when>
      <!-- The partner's server. -->
      <xsl:when test="$code = 'serveur-injoignable'">le serveur du partenaire ne répond pas, ou coupe la connexion&#x202F;; à signaler au partenaire<xsl:value-of select="$si-cela-dure"/></xsl:when>
      <xsl:when test="$code = 'erreur-serveur'">le serveur du partenaire répond par une erreur&#x202F;; à signaler au partenaire<xsl:value-of select="$si-cela-dure"/></xsl:when>
      <xsl:when test="$code = 'espace-insuffisant'">le disque du serveur du partenaire est plein&#x202F;; le partenaire doit y faire de la place</xsl:when>
      <xsl:when test="$code = 'echange-cles'">le serveur du partenaire n’a aucun procédé de chiffrement en commun avec navette&#x202F;; le partenaire doit le mettre à niveau</xsl:when>
      <xsl:when test="$code = 'connexion-refusee'">le serveur du partenaire refuse le compte, la clé ou le mot de passe de navette&#x202F;; à vérifier avec le partenaire</xsl:when>
      <xsl:when test="$code = 'sftp-absent'">le serveur du partenaire n’offre pas le service SFTP&#x202F;; le partenaire doit l’ouvrir</xsl:when>
      <xsl:when test="$code = 'repertoire-absent'">le répertoire prévu n’existe pas sur le serveur du partenaire&#x202F;; le partenaire doit le créer</xsl:when>
      <xsl:when test="$code = 'droits-insuffisants'">le serveur du partenaire ne donne pas au compte de navette les droits nécessaires sur le répertoire&#x202F;; le partenaire doit les ouvrir</xsl:when>
      <xsl:when test="$code = 'remise-differente'">un autre contenu occupe déjà la place de la remise&#x202F;; l’équipe qui exploite navette doit le faire écarter, avec le lieu</xsl:when>
      <!-- What the convention says of it. -->
      <xsl:when test="$code = 'cle-hote'">le serveur ne présente pas la clé attendue&#x202F;; l’équipe qui exploite navette doit faire confirmer sa nouvelle clé par le partenaire, par une autre voie, avant de l’admettre</xsl:when>
      <xsl:when test="$code = 'operation-absente'">le serveur du partenaire ne permet pas ce que prévoit le profil du lieu&#x202F;; la Caf doit faire corriger le profil</xsl:when>
      <xsl:when test="$code = 'destinataire-refuse'">une adresse de courriel est refusée par la messagerie de son destinataire&#x202F;; la Caf et le partenaire doivent la corriger</xsl:when>
      <xsl:when test="$code = 'destinataire-differe'">la messagerie du destinataire diffère la réception&#x202F;; à signaler au partenaire<xsl:value-of select="$si-cela-dure"/></xsl:when>
      <xsl:when test="$code = 'arrivee-incertaine'">le courriel est peut-être arrivé, mais la messagerie ne l’a pas confirmé&#x202F;; la Caf doit demander au lieu s’il l’a reçu, et le dire à l’équipe qui exploite navette</xsl:when>
      <xsl:when test="$code = 'adresse-invalide'">une adresse de courriel n’est pas valable&#x202F;; la Caf doit la faire corriger</xsl:when>
      <xsl:when test="$code = 'sans-personne-habilitee' or $code = 'sans-destinataire'">aucune personne habilitée du lieu n’a d’adresse de courriel à ce jour&#x202F;; la Caf doit mettre à jour les habilitations</xsl:when>
      <xsl:when test="$code = 'taille-depassee'">le courriel serait plus grand que ne le permet le profil du lieu&#x202F;; la Caf doit faire relever cette taille</xsl:when>
      <xsl:when test="$code = 'canal-indisponible'">navette ne dessert pas le canal que prévoit la convention&#x202F;; l’équipe qui exploite navette doit y remédier</xsl:when>
      <xsl:when test="$code = 'rappel-impossible'">un courriel envoyé ne se reprend pas&#x202F;; il faut demander au lieu de le détruire</xsl:when>
      <xsl:when test="$code = 'retiree'">le lieu l’a retirée avant qu’elle soit reprise&#x202F;; il faut lui demander de détruire ce qu’il a</xsl:when>
      <!-- Ours. -->
      <xsl:when test="$code = 'justificatif'">la clé, le mot de passe ou le certificat confié à navette manque ou ne peut pas servir&#x202F;; l’équipe qui exploite navette doit y remédier</xsl:when>
      <xsl:when test="$code = 'serveur-messagerie'">le serveur de messagerie de navette est en défaut ou refuse ses envois&#x202F;; l’équipe qui exploite navette doit y remédier</xsl:when>
      <xsl:when test="$code = 'message-refuse'">le serveur de messagerie refuse le message pour sa taille ou son contenu&#x202F;; l’équipe qui exploite navette doit y remédier</xsl:when>
      <xsl:when test="$code = 'volume-absent' or $code = 'depot-absent' or $code = 'depot-incomplet'">le dépôt du lieu n’est pas en place sur le serveur de navette&#x202F;; l’équipe qui exploite navette doit l’y mettre</xsl:when>
      <xsl:when test="$code = 'droits-locaux'">des droits manquent sur le serveur de navette&#x202F;; l’équipe qui exploite navette doit y remédier</xsl:when>
      <xsl:when test="$code = 'disque-plein'">le disque du serveur de navette est plein&#x202F;; l’équipe qui exploite navette doit y faire de la place</xsl:when>
      <xsl:when test="$code = 'source-alteree'">des fichiers conservés par navette sont altérés&#x202F;; l’équipe qui exploite navette doit intervenir</xsl:when>
      <xsl:when test="$code = 'rendu-impossible'">le document PDF n’a pas pu être composé&#x202F;; l’équipe qui exploite navette doit intervenir</xsl:when>
      <xsl:when test="$code = 'nom-invalide' or $code = 'erreur-systeme'">une erreur est survenue sur le serveur de navette&#x202F;; l’équipe qui exploite navette doit intervenir<xsl:value-of select="$si-cela-dure"/></xsl:when>
      <xsl:otherwise>erreur technique&#x202F;; l’équipe qui exploite navette en voit le détail</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="incident">
    <xsl:variable name="sorte" select="a:objet"/>
    <xsl:choose>
      <xsl:when test="$sorte = 'misplaced'">des fichiers ont été déposés hors du répertoire d’un émetteur</xsl:when>
      <xsl:when test="$sorte = 'claim'">des fichiers déposés n’ont pas pu être pris en charge</xsl:when>
      <xsl:when test="$sorte = 'render'">des remises n’ont pas pu être composées</xsl:when>
      <xsl:when test="$sorte = 'pickups'">les retraits ou les fichiers en retour de certains lieux n’ont pas pu être relevés</xsl:when>
      <xsl:when test="$sorte = 'journal'">le journal de connexion des dépôts n’a pas pu être lu</xsl:when>
      <xsl:when test="$sorte = 'spool'">l’espace de travail de navette n’est plus à sa place</xsl:when>
      <xsl:otherwise>une étape du traitement a échoué</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="titre">
    <xsl:choose>
      <xsl:when test="@genre = 'lieu-injoignable'">LIEUX AUXQUELS PLUS RIEN N’EST ENVOYÉ AVANT UNE INTERVENTION</xsl:when>
      <xsl:when test="@genre = 'remise-retenue'">REMISES RETENUES</xsl:when>
      <xsl:when test="@genre = 'remise-en-retard'">REMISES QUI N’ONT PAS ENCORE PU ÊTRE LIVRÉES</xsl:when>
      <xsl:when test="@genre = 'messagerie-en-defaut'">REMISES QUI ATTENDENT LE SERVEUR DE MESSAGERIE</xsl:when>
      <xsl:when test="@genre = 'notification-en-attente'">NOTIFICATIONS QUI N’ONT PAS ENCORE PU ÊTRE ENVOYÉES</xsl:when>
      <xsl:when test="@genre = 'notification-retenue'">NOTIFICATIONS REFUSÉES POUR TOUS LEURS DESTINATAIRES</xsl:when>
      <xsl:when test="@genre = 'rappel-en-attente'">REMISES RAPPELÉES, PAS ENCORE EFFACÉES CHEZ LE LIEU</xsl:when>
      <xsl:when test="@genre = 'rappel-bloque'">REMISES RAPPELÉES, DONT L’EFFACEMENT ATTEND UNE INTERVENTION</xsl:when>
      <xsl:when test="@genre = 'destruction-attendue'">REMISES RAPPELÉES, QUE LE LIEU SEUL PEUT DÉTRUIRE</xsl:when>
      <xsl:when test="@genre = 'demande-retenue'">DEMANDES RETENUES</xsl:when>
      <xsl:when test="@genre = 'demande-retiree'">DEMANDES RETIRÉES, QU’AUCUN LIEU NE TRAITE PLUS</xsl:when>
      <xsl:when test="@genre = 'lieu-suspendu'">LIEUX SUSPENDUS</xsl:when>
      <xsl:when test="@genre = 'flux-refuse'">FLUX REFUSÉS EN ENTIER DEPUIS HIER</xsl:when>
      <xsl:when test="@genre = 'commune-sans-lieu'">COMMUNES SANS LIEU D’INFORMATION, DONT DES DEMANDES ATTENDENT</xsl:when>
      <xsl:when test="@genre = 'incident'">INCIDENTS DU DERNIER TRAITEMENT</xsl:when>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="conseil">
    <xsl:choose>
      <xsl:when test="@genre = 'lieu-injoignable'">une fois la cause levée, l’équipe qui exploite navette relance les envois par «&#160;navette lieux retry LIEU&#160;»&#x202F;; «&#160;navette lieux show LIEU&#160;» donne le détail.</xsl:when>
      <xsl:when test="@genre = 'remise-retenue'">
        <!-- A retry would send again what has perhaps arrived. Which causes those not named have is not known. -->
        <xsl:variable name="incertaines" select="count(a:cas[a:cause = 'arrivee-incertaine'])"/>
        <xsl:if test="@nombre &gt; $incertaines">une fois la cause levée, l’équipe qui exploite navette les relance par «&#160;navette remises retry REMISE&#160;», ou «&#160;release&#160;» si un opérateur les retient.</xsl:if>
        <xsl:if test="@nombre &gt; $incertaines and $incertaines &gt; 0"> Pour une arrivée incertaine, en revanche, </xsl:if>
        <xsl:if test="$incertaines &gt; 0">demander au lieu s’il a reçu le courriel&#x202F;; l’équipe qui exploite navette enregistre sa réponse, par «&#160;navette remises picked-up REMISE&#160;» s’il l’a, par «&#160;navette remises taken-back REMISE&#160;» s’il ne l’a pas.</xsl:if>
      </xsl:when>
      <xsl:when test="@genre = 'remise-en-retard'">rien de plus&#x202F;; de nouveaux essais ont lieu d’eux-mêmes pendant cinq jours.</xsl:when>
      <xsl:when test="@genre = 'messagerie-en-defaut'">l’équipe qui exploite navette remédie au défaut du serveur de messagerie&#x202F;; de nouveaux essais ont lieu d’eux-mêmes, sans limite de durée.</xsl:when>
      <xsl:when test="@genre = 'notification-en-attente'">de nouveaux essais ont lieu d’eux-mêmes&#x202F;; une fois la cause levée, «&#160;navette remises retry REMISE&#160;» en fait un aussitôt.</xsl:when>
      <xsl:when test="@genre = 'rappel-en-attente'">de nouveaux essais ont lieu d’eux-mêmes&#x202F;; si cela dure, demander au lieu d’effacer les fichiers.</xsl:when>
      <xsl:when test="@genre = 'notification-retenue'">vérifier les adresses des personnes habilitées et, au besoin, envoyer un flux d’habilitations qui les corrige&#x202F;; l’équipe qui exploite navette fait un nouvel essai par «&#160;navette remises retry REMISE&#160;».</xsl:when>
      <xsl:when test="@genre = 'rappel-bloque'">rien n’est essayé avant une intervention&#x202F;; une fois la cause levée, l’équipe qui exploite navette relance l’effacement par «&#160;navette lieux retry LIEU&#160;». D’ici là, demander au lieu d’effacer les fichiers.</xsl:when>
      <xsl:when test="@genre = 'destruction-attendue'">demander au lieu de détruire ce qu’il a reçu&#x202F;; quand il l’a confirmé, l’équipe qui exploite navette l’enregistre par «&#160;navette remises taken-back REMISE&#160;».</xsl:when>
      <xsl:when test="@genre = 'demande-retenue'">l’équipe qui exploite navette les libère par «&#160;navette demandes release DEMANDE&#160;» ou, une fois la cause levée, par «&#160;retry&#160;».</xsl:when>
      <!-- R11. -->
      <xsl:when test="@genre = 'demande-retiree'">si une famille attend encore une réponse, la Caf peut faire envoyer de nouveau sa demande, sous une nouvelle référence&#x202F;; sous l’ancienne, elle serait prise pour un doublon.</xsl:when>
      <xsl:when test="@genre = 'lieu-suspendu'">quand la suspension n’a plus lieu d’être, l’équipe qui exploite navette la lève par «&#160;navette lieux resume LIEU&#160;».</xsl:when>
      <xsl:when test="@genre = 'flux-refuse'">l’accusé dit pourquoi&#x202F;; l’émetteur corrige et renvoie le flux.</xsl:when>
      <xsl:when test="@genre = 'commune-sans-lieu'">ouvrir une convention qui couvre la commune&#x202F;; les demandes partiront alors d’elles-mêmes.</xsl:when>
      <xsl:when test="@genre = 'incident'">l’équipe qui exploite navette en voit le détail par «&#160;navette status&#160;», et vérifie l’installation par «&#160;navette check&#160;».</xsl:when>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
