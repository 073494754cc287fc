<?xml version="1.0" encoding="UTF-8"?>
<!--
  The mail that carries a remise to a lieu whose channel is courriel: subject and text.

  Input, namespace urn:navette:courriel:1, every value a text:
    <courriel>
      <remise>        identifier of the remise
      <reemission>    identifier of the remise that this one issues again (R15); empty or missing for a first issue
      <nombre>        of demandes, 1 or more
      <chiffrement>   smime: text and files are encrypted together; pdf: <remise>.pdf is, this text is in clear
    </courriel>
  Output, no namespace:
    <courriel><objet>…</objet><texte>…</texte></courriel>

  The subject and, with pdf, the text travel in clear: nothing about a family may ever stand here, nor in the input (R9).
  Text alone, no HTML: in a message that is decrypted, HTML could carry its content away. The whole text has 3072 bytes at
  most. U+00A0 and U+202F are written as references, to be seen.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:c="urn:navette:courriel:1" exclude-result-prefixes="c">
  <xsl:output method="xml" encoding="UTF-8" indent="no"/>
  <xsl:strip-space elements="*"/>

  <xsl:variable name="remise" select="normalize-space(/c:courriel/c:remise)"/>
  <xsl:variable name="reemission" select="normalize-space(/c:courriel/c:reemission)"/>
  <xsl:variable name="nombre" select="number(/c:courriel/c:nombre)"/>
  <xsl:variable name="smime" select="normalize-space(/c:courriel/c:chiffrement) = 'smime'"/>
  <!-- French: the plural begins at two. -->
  <xsl:variable name="plusieurs" select="$nombre &gt;= 2"/>

  <xsl:variable name="demandes">
    <xsl:value-of select="$nombre"/>
    <xsl:choose>
      <xsl:when test="$plusieurs">&#160;demandes d’information</xsl:when>
      <xsl:otherwise>&#160;demande d’information</xsl:otherwise>
    </xsl:choose>
  </xsl:variable>

  <xsl:template match="/">
    <courriel>
      <objet><xsl:value-of select="concat('Remise ', $remise, '&#160;: ', $demandes)"/></objet>
      <texte><xsl:call-template name="texte"/></texte>
    </courriel>
  </xsl:template>

  <xsl:template name="texte">
    <xsl:text>Bonjour,&#10;&#10;Ce message apporte à votre lieu d’information </xsl:text>
    <xsl:value-of select="$demandes"/>
    <xsl:choose>
      <xsl:when test="$plusieurs">, déposées par des familles sur monenfant.fr.</xsl:when>
      <xsl:otherwise>, déposée par une famille sur monenfant.fr.</xsl:otherwise>
    </xsl:choose>
    <xsl:if test="$reemission">
      <xsl:text> Cette remise met de nouveau à disposition le contenu de la remise </xsl:text>
      <xsl:value-of select="$reemission"/>
      <xsl:choose>
        <xsl:when test="$plusieurs">&#160;: ce sont les mêmes demandes.</xsl:when>
        <xsl:otherwise>&#160;: c’est la même demande.</xsl:otherwise>
      </xsl:choose>
      <xsl:text> La durée de conservation court depuis la première transmission.</xsl:text>
    </xsl:if>
    <xsl:text>&#10;&#10;Référence de la remise&#160;: </xsl:text>
    <xsl:value-of select="$remise"/>
    <xsl:if test="not($smime)">
      <xsl:text>&#10;&#10;POUR OUVRIR LE FICHIER&#10;Le fichier joint </xsl:text>
      <xsl:value-of select="$remise"/>
      <xsl:text>.pdf est chiffré. Il s’ouvre avec le mot de passe que la Caf a communiqué à votre lieu par une autre voie&#160;: </xsl:text>
      <xsl:text>ne l’envoyez jamais par courriel.</xsl:text>
    </xsl:if>
    <xsl:text>&#10;&#10;CONTENU&#10;</xsl:text>
    <xsl:call-template name="contenu"/>
    <xsl:text>&#10;&#10;VOS ENGAGEMENTS&#10;Ces données servent uniquement à traiter </xsl:text>
    <xsl:choose>
      <xsl:when test="$plusieurs">les demandes et à contacter les familles. </xsl:when>
      <xsl:otherwise>la demande et à contacter la famille. </xsl:otherwise>
    </xsl:choose>
    <xsl:text>Elles sont à détruire au terme que fixe la convention, ce message et ses copies compris&#160;: ne le transférez pas, </xsl:text>
    <xsl:text>et ne le laissez pas dans la boîte une fois les fichiers enregistrés.</xsl:text>
    <xsl:text>&#10;&#10;EN CAS DE DIFFICULTÉ&#10;</xsl:text>
    <xsl:text>Si un fichier manque, ne s’ouvre pas ou ne concerne pas votre lieu, prévenez votre correspondant à la Caf, </xsl:text>
    <xsl:text>en rappelant la référence de la remise. Des fichiers perdus ou endommagés peuvent être remis à disposition.</xsl:text>
    <!-- Two hyphens and a blank alone on a line: what follows is a signature (RFC 3676). -->
    <xsl:text>&#10;&#10;Cordialement,&#10;La Caf&#10;&#10;-- &#10;</xsl:text>
    <xsl:text>Ce message est envoyé automatiquement. Si vous y répondez, n’indiquez aucune donnée sur les familles.&#10;</xsl:text>
  </xsl:template>

  <xsl:template name="contenu">
    <xsl:choose>
      <xsl:when test="$smime">
        <xsl:choose>
          <xsl:when test="$plusieurs">Chaque demande est jointe</xsl:when>
          <xsl:otherwise>La demande est jointe</xsl:otherwise>
        </xsl:choose>
        <xsl:text> sous deux formes&#160;: un fichier PDF, pour la lecture, et un fichier XML, pour votre logiciel. </xsl:text>
        <xsl:text>Commencez par le bordereau (BORDEREAU_…pdf)&#160;: il en donne la liste, les délais et vos engagements. </xsl:text>
        <xsl:text>Un manifeste énumère les fichiers et leurs empreintes, qui permettent d’en vérifier l’intégrité.</xsl:text>
      </xsl:when>
      <xsl:otherwise>
        <xsl:choose>
          <xsl:when test="$plusieurs">Ses pages sont celles du bordereau, qui en donne la liste, les délais et vos engagements, puis celles des demandes. Il contient aussi, en pièces jointes, chaque demande</xsl:when>
          <xsl:otherwise>Ses pages sont celles du bordereau, qui en donne les délais et vos engagements, puis celles de la demande. Il contient aussi, en pièces jointes, la demande</xsl:otherwise>
        </xsl:choose>
        <xsl:text> sous deux formes&#160;: un fichier PDF accessible, et un fichier XML, pour votre logiciel. </xsl:text>
        <xsl:text>Le bordereau et un manifeste les accompagnent&#160;: celui-ci énumère ces fichiers et leurs empreintes, qui permettent d’en vérifier l’intégrité.</xsl:text>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
