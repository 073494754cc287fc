<?xml version="1.0" encoding="UTF-8"?>
<!-- Dates, heures, durées, âges et téléphones écrits en français. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:d="urn:navette:demandes:1"
                exclude-result-prefixes="d">

  <!-- 2026-09-03 → 3 septembre 2026 ; 2026-09-01 → 1er septembre 2026. -->
  <xsl:template name="date">
    <xsl:param name="date"/>
    <xsl:variable name="jour" select="number(substring($date, 9, 2))"/>
    <xsl:variable name="mois" select="number(substring($date, 6, 2))"/>
    <xsl:value-of select="$jour"/>
    <xsl:if test="$jour = 1">er</xsl:if>
    <xsl:text>&#160;</xsl:text>
    <!-- Neuf caractères par mois, comblés par des espaces. -->
    <xsl:value-of select="normalize-space(substring(
      'janvier  février  mars     avril    mai      juin     juillet  août     septembreoctobre  novembre décembre ',
      $mois * 9 - 8, 9))"/>
    <xsl:text>&#160;</xsl:text>
    <xsl:value-of select="substring($date, 1, 4)"/>
  </xsl:template>

  <!-- 2026-09-03 → 03/09/2026, là où la place manque. -->
  <xsl:template name="date-courte">
    <xsl:param name="date"/>
    <xsl:value-of select="concat(substring($date, 9, 2), '/', substring($date, 6, 2), '/', substring($date, 1, 4))"/>
  </xsl:template>

  <!-- 08:00 → 8 h ; 17:30 → 17 h 30. -->
  <xsl:template name="heure">
    <xsl:param name="heure"/>
    <xsl:value-of select="number(substring($heure, 1, 2))"/>
    <xsl:text>&#160;h</xsl:text>
    <xsl:if test="substring($heure, 4, 2) != '00'">
      <xsl:value-of select="concat('&#160;', substring($heure, 4, 2))"/>
    </xsl:if>
  </xsl:template>

  <!-- 570 → 9 h 30. -->
  <xsl:template name="duree">
    <xsl:param name="minutes"/>
    <xsl:variable name="reste" select="$minutes mod 60"/>
    <xsl:if test="$minutes &gt;= 60">
      <xsl:value-of select="floor($minutes div 60)"/>
      <xsl:text>&#160;h</xsl:text>
      <xsl:if test="$reste &gt; 0">&#160;</xsl:if>
    </xsl:if>
    <xsl:if test="$reste &gt; 0 and $minutes &gt;= 60"><xsl:value-of select="format-number($reste, '00')"/></xsl:if>
    <xsl:if test="$minutes &lt; 60"><xsl:value-of select="concat($reste, '&#160;min')"/></xsl:if>
  </xsl:template>

  <!-- Minutes d'un jour que couvrent des créneaux, chevauchements comptés une fois. -->
  <xsl:template name="minutes-couvertes">
    <xsl:param name="creneaux"/>
    <xsl:param name="depuis" select="0"/>
    <xsl:param name="total" select="0"/>
    <xsl:variable name="restants" select="$creneaux[number(substring(d:heureFin, 1, 2)) * 60
        + number(substring(d:heureFin, 4, 2)) &gt; $depuis]"/>
    <xsl:if test="not($restants)"><xsl:value-of select="$total"/></xsl:if>
    <xsl:for-each select="$restants">
      <xsl:sort select="d:heureDebut"/>
      <xsl:if test="position() = 1">
        <xsl:variable name="debut" select="substring(d:heureDebut, 1, 2) * 60 + substring(d:heureDebut, 4, 2)"/>
        <xsl:variable name="fin" select="substring(d:heureFin, 1, 2) * 60 + substring(d:heureFin, 4, 2)"/>
        <xsl:variable name="vrai-debut" select="$debut * ($debut &gt; $depuis) + $depuis * not($debut &gt; $depuis)"/>
        <xsl:call-template name="minutes-couvertes">
          <xsl:with-param name="creneaux" select="$creneaux"/>
          <xsl:with-param name="depuis" select="$fin"/>
          <xsl:with-param name="total" select="$total + $fin - $vrai-debut"/>
        </xsl:call-template>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <!-- Minutes d'une semaine : un jour après l'autre, ceux du premier créneau d'abord. -->
  <xsl:template name="minutes-semaine">
    <xsl:param name="creneaux"/>
    <xsl:param name="total" select="0"/>
    <xsl:choose>
      <xsl:when test="$creneaux">
        <xsl:variable name="jour" select="$creneaux[1]/d:jour"/>
        <xsl:variable name="minutes">
          <xsl:call-template name="minutes-couvertes">
            <xsl:with-param name="creneaux" select="$creneaux[d:jour = $jour]"/>
          </xsl:call-template>
        </xsl:variable>
        <xsl:call-template name="minutes-semaine">
          <xsl:with-param name="creneaux" select="$creneaux[d:jour != $jour]"/>
          <xsl:with-param name="total" select="$total + $minutes"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:otherwise><xsl:value-of select="$total"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- De deux jours, le plus tardif. -->
  <xsl:template name="plus-tard">
    <xsl:param name="un"/>
    <xsl:param name="autre"/>
    <xsl:choose>
      <xsl:when test="translate($un, '-', '') &lt; translate($autre, '-', '')"><xsl:value-of select="$autre"/></xsl:when>
      <xsl:otherwise><xsl:value-of select="$un"/></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Âge en mois révolus au `jour`, dit en ans et en mois ; `environ` se met devant, quand la naissance n'est que prévue. -->
  <xsl:template name="age">
    <xsl:param name="naissance"/>
    <xsl:param name="jour"/>
    <xsl:param name="environ"/>
    <xsl:variable name="mois" select="(substring($jour, 1, 4) - substring($naissance, 1, 4)) * 12
        + substring($jour, 6, 2) - substring($naissance, 6, 2)
        - (substring($jour, 9, 2) &lt; substring($naissance, 9, 2))"/>
    <xsl:variable name="ans" select="floor($mois div 12)"/>
    <xsl:variable name="reste" select="$mois mod 12"/>
    <xsl:choose>
      <xsl:when test="$mois &lt; 0">à naître</xsl:when>
      <xsl:when test="$mois = 0">moins d’un mois</xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="$environ"/>
        <xsl:if test="$ans &gt; 0">
          <xsl:value-of select="concat($ans, '&#160;an')"/>
          <xsl:if test="$ans &gt; 1">s</xsl:if>
        </xsl:if>
        <xsl:if test="$ans &gt; 0 and $reste &gt; 0"> et </xsl:if>
        <xsl:if test="$reste &gt; 0"><xsl:value-of select="concat($reste, '&#160;mois')"/></xsl:if>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- 0465710012 → 04 65 71 00 12 ; +33465710034 → +33 4 65 71 00 34 ; un autre pays reste tel quel. -->
  <xsl:template name="telephone">
    <xsl:param name="numero"/>
    <xsl:choose>
      <xsl:when test="starts-with($numero, '+33') and string-length($numero) = 12">
        <xsl:value-of select="concat('+33&#160;', substring($numero, 4, 1), '&#160;')"/>
        <xsl:call-template name="paires"><xsl:with-param name="chiffres" select="substring($numero, 5)"/></xsl:call-template>
      </xsl:when>
      <xsl:when test="starts-with($numero, '+')"><xsl:value-of select="$numero"/></xsl:when>
      <xsl:otherwise>
        <xsl:call-template name="paires"><xsl:with-param name="chiffres" select="$numero"/></xsl:call-template>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="paires">
    <xsl:param name="chiffres"/>
    <xsl:value-of select="substring($chiffres, 1, 2)"/>
    <xsl:if test="string-length($chiffres) &gt; 2">
      <xsl:text>&#160;</xsl:text>
      <xsl:call-template name="paires"><xsl:with-param name="chiffres" select="substring($chiffres, 3)"/></xsl:call-template>
    </xsl:if>
  </xsl:template>

</xsl:stylesheet>
