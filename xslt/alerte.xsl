<?xml version="1.0" encoding="UTF-8"?>
<!--
  The daily alert to a Caf: what needs a person. Subject and text of one e-mail.

  Input, namespace urn:navette:alerte:1, every value a text:
    <alerte>
      <caf>     number of the Caf
      <jour>    in French: « 25 novembre 2026 »
      <point genre="…" nombre="…">   genre: one of those named below; nombre: of all its cases
        <cas><objet/><motif/></cas>  the first twenty; objet: a lieu, a remise, a flux, a commune; motif may be empty
      </point>
      <points>  how many there are
    </alerte>
  Output, no namespace: <courriel><objet>…</objet><texte>…</texte></courriel>

  Nothing about a family may ever stand here, nor in the input (R9). Reasons are those of the log, in English: they are
  meant for whoever administers navette. U+00A0 and U+202F are written as references, to be seen.
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
        <xsl:value-of select="a:points"/>
        <xsl:choose>
          <xsl:when test="a:points &gt;= 2"> points à examiner, </xsl:when>
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
    <xsl:value-of select="a:objet"/>
    <xsl:if test="a:motif != ''">
      <xsl:text>&#160;: </xsl:text>
      <xsl:value-of select="a:motif"/>
      <xsl:if test="../@genre = 'commune-sans-lieu'">
        <xsl:choose>
          <xsl:when test="a:motif &gt;= 2"> demandes</xsl:when>
          <xsl:otherwise> demande</xsl:otherwise>
        </xsl:choose>
      </xsl:if>
    </xsl:if>
    <xsl:text>&#10;</xsl:text>
  </xsl:template>

  <xsl:template name="titre">
    <xsl:choose>
      <xsl:when test="@genre = 'lieu-injoignable'">LIEUX DONT LE SERVEUR REFUSE LES REMISES OU NE RÉPOND PLUS DEPUIS CINQ JOURS</xsl:when>
      <xsl:when test="@genre = 'remise-retenue'">REMISES RETENUES</xsl:when>
      <xsl:when test="@genre = 'remise-en-retard'">REMISES QUI N’ONT PAS ENCORE PU ÊTRE LIVRÉES</xsl:when>
      <xsl:when test="@genre = 'notification-en-attente'">NOTIFICATIONS QUI N’ONT PAS ENCORE PU ÊTRE ENVOYÉES</xsl:when>
      <xsl:when test="@genre = 'rappel-en-attente'">REMISES RAPPELÉES, PAS ENCORE EFFACÉES CHEZ LE LIEU</xsl:when>
      <xsl:when test="@genre = 'demande-retenue'">DEMANDES RETENUES</xsl:when>
      <xsl:when test="@genre = 'lieu-suspendu'">LIEUX SUSPENDUS</xsl:when>
      <xsl:when test="@genre = 'flux-refuse'">FLUX REFUSÉS EN ENTIER DEPUIS HIER</xsl:when>
      <xsl:when test="@genre = 'commune-sans-lieu'">COMMUNES SANS LIEU D’INFORMATION, DONT DES DEMANDES ATTENDENT</xsl:when>
      <xsl:when test="@genre = 'incident'">INCIDENTS DU DERNIER PASSAGE</xsl:when>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="conseil">
    <xsl:choose>
      <xsl:when test="@genre = 'lieu-injoignable'">voir «&#160;navette lieux show LIEU&#160;», prévenir le partenaire, puis «&#160;navette lieux retry LIEU&#160;».</xsl:when>
      <xsl:when test="@genre = 'remise-retenue'">voir «&#160;navette remises show REMISE&#160;», puis «&#160;navette remises retry&#160;» ou «&#160;release&#160;».</xsl:when>
      <xsl:when test="@genre = 'remise-en-retard'">rien pour l’instant&#160;: elles sont tentées de nouveau pendant cinq jours.</xsl:when>
      <xsl:when test="@genre = 'notification-en-attente'">vérifier le serveur de messagerie et l’adresse des personnes habilitées.</xsl:when>
      <xsl:when test="@genre = 'rappel-en-attente'">rien si le serveur du partenaire revient&#x202F;; sinon, demander au lieu d’effacer les fichiers.</xsl:when>
      <xsl:when test="@genre = 'demande-retenue'">voir «&#160;navette demandes show DEMANDE&#160;», puis «&#160;navette demandes release&#160;» ou «&#160;retry&#160;».</xsl:when>
      <xsl:when test="@genre = 'lieu-suspendu'">«&#160;navette lieux resume LIEU&#160;» quand la suspension n’a plus lieu d’être.</xsl:when>
      <xsl:when test="@genre = 'flux-refuse'">l’accusé dit pourquoi&#x202F;; l’émetteur corrige et renvoie le flux.</xsl:when>
      <xsl:when test="@genre = 'commune-sans-lieu'">ouvrir une convention qui couvre la commune&#x202F;; les demandes partiront alors d’elles-mêmes.</xsl:when>
      <xsl:when test="@genre = 'incident'">suivre l’indication&#x202F;; «&#160;navette check&#160;» vérifie l’installation.</xsl:when>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
