<?xml version="1.0" encoding="UTF-8"?>
<!-- Le bordereau d'une remise (urn:navette:bordereau:1) → XSL-FO ; inclus par demande-fo.xsl, dont il a les couleurs.
     Lecteur visé : l'agent d'un lieu d'information qui ouvre une remise. D'abord à quel lieu et combien de demandes, puis
     les délais et les engagements ; enfin la liste, à cocher.
     Aucune date qui dépende du départ de la remise : les délais sont dits en toutes lettres. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:fo="http://www.w3.org/1999/XSL/Format"
                xmlns:b="urn:navette:bordereau:1" xmlns:n="urn:navette:fo:1"
                xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
                xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
                exclude-result-prefixes="b">

  <xsl:variable name="titre-bordereau">Bordereau de remise</xsl:variable>
  <xsl:variable name="titre-delais">Délais</xsl:variable>
  <xsl:variable name="titre-engagements">Vos engagements</xsl:variable>

  <xsl:template match="/b:bordereau">
    <fo:root xml:lang="fr-FR" font-family="sans-serif" font-size="10pt" line-height="1.35" color="{$encre}">
      <fo:layout-master-set>
        <fo:simple-page-master master-name="page" page-width="210mm" page-height="297mm"
                               margin-top="14mm" margin-bottom="9mm" margin-left="17mm" margin-right="17mm">
          <fo:region-body margin-bottom="14mm"/>
          <fo:region-after extent="10mm"/>
        </fo:simple-page-master>
      </fo:layout-master-set>
      <fo:declarations>
        <x:xmpmeta>
          <rdf:RDF>
            <rdf:Description>
              <dc:title><xsl:value-of select="concat($titre-bordereau, ' ', b:remise)"/></dc:title>
              <xmp:CreateDate><xsl:value-of select="concat(b:dateComposition, 'T00:00:00Z')"/></xmp:CreateDate>
            </rdf:Description>
          </rdf:RDF>
        </x:xmpmeta>
        <n:source-attachment filename="BORDEREAU_{b:remise}.xml" description="Le bordereau, pour le logiciel du lieu d’information"/>
      </fo:declarations>
      <fo:bookmark-tree>
        <fo:bookmark internal-destination="titre">
          <fo:bookmark-title><xsl:value-of select="concat($titre-bordereau, ' ', b:remise)"/></fo:bookmark-title>
          <fo:bookmark internal-destination="delais">
            <fo:bookmark-title><xsl:value-of select="$titre-delais"/></fo:bookmark-title>
          </fo:bookmark>
          <fo:bookmark internal-destination="engagements">
            <fo:bookmark-title><xsl:value-of select="$titre-engagements"/></fo:bookmark-title>
          </fo:bookmark>
          <fo:bookmark internal-destination="demandes">
            <fo:bookmark-title><xsl:apply-templates select="b:demandes" mode="nombre"/></fo:bookmark-title>
          </fo:bookmark>
        </fo:bookmark>
      </fo:bookmark-tree>
      <fo:page-sequence master-reference="page" id="bordereau">
        <fo:static-content flow-name="xsl-region-after">
          <xsl:call-template name="pied-bordereau"/>
        </fo:static-content>
        <fo:flow flow-name="xsl-region-body">
          <fo:block id="titre" role="H1" font-size="17pt" font-weight="bold" line-height="1.2">
            <xsl:value-of select="$titre-bordereau"/>
          </fo:block>
          <fo:block color="{$discret}" space-after="8pt">
            <xsl:text>Accueil du jeune enfant · remise </xsl:text>
            <fo:inline color="{$encre}" font-weight="bold"><xsl:value-of select="b:remise"/></fo:inline>
            <xsl:text> · </xsl:text>
            <xsl:apply-templates select="b:demandes" mode="nombre"/>
          </fo:block>
          <xsl:apply-templates select="b:lieu"/>
          <xsl:call-template name="delais"/>
          <xsl:call-template name="engagements"/>
          <xsl:apply-templates select="b:demandes"/>
          <xsl:call-template name="caracteres-remplaces"/>
        </fo:flow>
      </fo:page-sequence>
    </fo:root>
  </xsl:template>

  <xsl:template match="b:demandes" mode="nombre">
    <xsl:value-of select="concat(count(b:demande), '&#160;demande')"/>
    <xsl:if test="count(b:demande) &gt; 1">s</xsl:if>
    <xsl:text> d’information</xsl:text>
  </xsl:template>

  <xsl:template name="pied-bordereau">
    <fo:table border-collapse="separate" font-size="8pt" color="{$discret}">
      <fo:table-column column-width="proportional-column-width(1)"/>
      <fo:table-column column-width="24mm"/>
      <fo:table-body>
        <fo:table-row>
          <fo:table-cell border-top="{$filet}" padding-top="4pt">
            <fo:block><xsl:value-of select="concat('Remise ', b:remise)"/></fo:block>
            <fo:block>Données personnelles&#160;: elles ne servent qu’à traiter les demandes et à joindre les familles.</fo:block>
          </fo:table-cell>
          <fo:table-cell border-top="{$filet}" padding-top="4pt" text-align="end">
            <fo:block>
              <xsl:text>page&#160;</xsl:text>
              <fo:page-number/>
              <xsl:text>/</xsl:text>
              <fo:page-number-citation-last ref-id="bordereau"/>
            </fo:block>
          </fo:table-cell>
        </fo:table-row>
      </fo:table-body>
    </fo:table>
  </xsl:template>

  <xsl:template match="b:lieu">
    <fo:block role="Div" background-color="{$fond}" border-left="3pt solid {$encre}" margin="0" padding="7pt 9pt 7pt 9pt">
      <fo:block font-size="14pt" font-weight="bold" line-height="1.25"><xsl:value-of select="b:nom"/></fo:block>
      <fo:block>
        <xsl:value-of select="concat(../b:partenaire, ' · convention n°&#160;', ../b:convention/b:numero)"/>
        <xsl:if test="../b:convention/b:version &gt; 1">
          <xsl:value-of select="concat(', version&#160;', ../b:convention/b:version)"/>
        </xsl:if>
      </fo:block>
      <xsl:if test="../b:reemission">
        <fo:block>
          <xsl:value-of select="concat('Met de nouveau à disposition le contenu de la remise ', ../b:reemission, '.')"/>
        </fo:block>
      </xsl:if>
    </fo:block>
  </xsl:template>

  <xsl:template name="delais">
    <fo:block role="Sect">
      <xsl:call-template name="titre">
        <xsl:with-param name="id">delais</xsl:with-param>
        <xsl:with-param name="texte" select="$titre-delais"/>
      </xsl:call-template>
      <fo:table border-collapse="separate">
        <fo:table-column column-width="28mm"/>
        <fo:table-column column-width="proportional-column-width(1)"/>
        <fo:table-body>
          <xsl:call-template name="ligne">
            <xsl:with-param name="libelle">Retrait</xsl:with-param>
            <xsl:with-param name="valeur">
              <fo:block>
                <fo:inline font-weight="bold"><xsl:value-of select="concat(b:delaiRetrait, '&#160;jours')"/></fo:inline>
                <xsl:text> calendaires à compter de l’envoi du courriel qui annonce la remise, le jour d’envoi ne comptant pas.</xsl:text>
              </fo:block>
            </xsl:with-param>
          </xsl:call-template>
          <xsl:call-template name="ligne">
            <xsl:with-param name="libelle">Conservation</xsl:with-param>
            <xsl:with-param name="valeur">
              <fo:block>
                <fo:inline font-weight="bold"><xsl:value-of select="concat(b:conservation, '&#160;mois')"/></fo:inline>
                <xsl:text> au plus à compter de la </xsl:text>
                <xsl:if test="b:reemission">première </xsl:if>
                <xsl:text>transmission, copies et impressions comprises.</xsl:text>
              </fo:block>
            </xsl:with-param>
          </xsl:call-template>
          <xsl:call-template name="ligne">
            <xsl:with-param name="libelle">Attestation</xsl:with-param>
            <xsl:with-param name="valeur">
              <fo:block>
                <fo:inline font-weight="bold">un mois</fo:inline>
                <xsl:text> après ce terme au plus tard, l’attestation de destruction parvient à la Caf.</xsl:text>
              </fo:block>
            </xsl:with-param>
          </xsl:call-template>
        </fo:table-body>
      </fo:table>
    </fo:block>
  </xsl:template>

  <xsl:template name="engagements">
    <fo:block role="Sect">
      <xsl:call-template name="titre">
        <xsl:with-param name="id">engagements</xsl:with-param>
        <xsl:with-param name="texte" select="$titre-engagements"/>
      </xsl:call-template>
      <fo:list-block provisional-distance-between-starts="14pt" provisional-label-separation="4pt">
        <xsl:call-template name="engagement">
          <xsl:with-param name="rang">1.</xsl:with-param>
          <xsl:with-param name="texte">Joindre chaque famille et lui répondre&#160;: ses données ne servent qu’à cela.</xsl:with-param>
        </xsl:call-template>
        <xsl:call-template name="engagement">
          <xsl:with-param name="rang">2.</xsl:with-param>
          <xsl:with-param name="texte">Ne les confier qu’aux personnes habilitées du lieu d’information, et à personne d’autre.</xsl:with-param>
        </xsl:call-template>
        <xsl:call-template name="engagement">
          <xsl:with-param name="rang">3.</xsl:with-param>
          <xsl:with-param name="texte">Au terme de la conservation, tout détruire et en attester, sous la signature d’une personne habilitée.</xsl:with-param>
        </xsl:call-template>
      </fo:list-block>
    </fo:block>
  </xsl:template>

  <xsl:template name="engagement">
    <xsl:param name="rang"/>
    <xsl:param name="texte"/>
    <fo:list-item>
      <fo:list-item-label end-indent="label-end()"><fo:block><xsl:value-of select="$rang"/></fo:block></fo:list-item-label>
      <fo:list-item-body start-indent="body-start()"><fo:block><xsl:value-of select="$texte"/></fo:block></fo:list-item-body>
    </fo:list-item>
  </xsl:template>

  <xsl:template match="b:demandes">
    <fo:block role="Sect">
      <xsl:call-template name="titre">
        <xsl:with-param name="id">demandes</xsl:with-param>
        <xsl:with-param name="texte"><xsl:apply-templates select="." mode="nombre"/></xsl:with-param>
      </xsl:call-template>
      <fo:block space-after="3pt" keep-with-next.within-page="always">
        <xsl:text>Une case par demande, à cocher une fois la famille jointe. L’âge est celui de l’entrée souhaitée, ou du jour de la remise si cette date est passée.</xsl:text>
      </fo:block>
      <fo:table border-collapse="separate">
        <fo:table-column column-width="6mm"/>
        <fo:table-column column-width="proportional-column-width(5)"/>
        <fo:table-column column-width="proportional-column-width(5)"/>
        <fo:table-column column-width="proportional-column-width(4)"/>
        <fo:table-column column-width="21mm"/>
        <fo:table-column column-width="proportional-column-width(4)"/>
        <fo:table-header color="{$discret}" font-size="8.5pt">
          <fo:table-row>
            <fo:table-cell role="artifact"><fo:block/></fo:table-cell>
            <fo:table-cell><fo:block>Famille</fo:block></fo:table-cell>
            <fo:table-cell><fo:block>Enfants</fo:block></fo:table-cell>
            <fo:table-cell><fo:block>Communes</fo:block></fo:table-cell>
            <fo:table-cell><fo:block>À partir du</fo:block></fo:table-cell>
            <fo:table-cell><fo:block>Référence</fo:block></fo:table-cell>
          </fo:table-row>
        </fo:table-header>
        <fo:table-body><xsl:apply-templates select="b:demande"/></fo:table-body>
      </fo:table>
    </fo:block>
  </xsl:template>

  <xsl:template match="b:demande">
    <fo:table-row font-size="9pt" keep-together.within-page="always">
      <fo:table-cell role="artifact" border-top="{$filet}" padding="3pt 0pt 3pt 0pt">
        <fo:block><fo:external-graphic src="navette:case" content-height="9pt" role="artifact"/></fo:block>
      </fo:table-cell>
      <fo:table-cell role="TH" border-top="{$filet}" padding="3pt 6pt 3pt 0pt">
        <fo:block font-weight="bold"><xsl:apply-templates select="." mode="famille"/></fo:block>
        <fo:block>
          <xsl:choose>
            <xsl:when test="b:telephone">
              <xsl:call-template name="telephone"><xsl:with-param name="numero" select="b:telephone"/></xsl:call-template>
            </xsl:when>
            <xsl:otherwise><xsl:value-of select="b:courriel"/></xsl:otherwise>
          </xsl:choose>
        </fo:block>
      </fo:table-cell>
      <fo:table-cell border-top="{$filet}" padding="3pt 6pt 3pt 0pt">
        <xsl:apply-templates select="b:enfants/b:enfant"/>
      </fo:table-cell>
      <fo:table-cell border-top="{$filet}" padding="3pt 6pt 3pt 0pt">
        <fo:block>
          <!-- La demande les nomme toutes. -->
          <xsl:variable name="nombre" select="count(b:communes/b:commune)"/>
          <xsl:for-each select="b:communes/b:commune[$nombre &lt;= 8 or position() &lt;= 6]">
            <xsl:if test="position() &gt; 1">, </xsl:if>
            <xsl:value-of select="."/>
          </xsl:for-each>
          <xsl:if test="$nombre &gt; 8"> et <xsl:value-of select="$nombre - 6"/>&#160;autres</xsl:if>
        </fo:block>
      </fo:table-cell>
      <fo:table-cell border-top="{$filet}" padding="3pt 6pt 3pt 0pt">
        <fo:block><xsl:call-template name="date-courte"><xsl:with-param name="date" select="b:dateDebut"/></xsl:call-template></fo:block>
      </fo:table-cell>
      <fo:table-cell border-top="{$filet}" padding="3pt 0pt 3pt 0pt">
        <fo:block><xsl:value-of select="b:reference"/></fo:block>
        <fo:block color="{$discret}" font-size="8pt"><xsl:value-of select="b:emetteur"/></fo:block>
      </fo:table-cell>
    </fo:table-row>
  </xsl:template>

  <xsl:template match="b:demande" mode="famille">
    <xsl:choose>
      <xsl:when test="b:civilite = 'MME'">Mme&#160;</xsl:when>
      <xsl:otherwise>M.&#160;</xsl:otherwise>
    </xsl:choose>
    <xsl:value-of select="concat(b:prenom, ' ', b:nom)"/>
  </xsl:template>

  <xsl:template match="b:enfant">
    <xsl:variable name="age">
      <xsl:call-template name="age">
        <xsl:with-param name="naissance" select="b:dateNaissance | b:dateNaissancePrevue"/>
        <xsl:with-param name="jour">
          <xsl:call-template name="plus-tard">
            <xsl:with-param name="un" select="../../b:dateDebut"/>
            <xsl:with-param name="autre" select="ancestor::b:bordereau/b:dateComposition"/>
          </xsl:call-template>
        </xsl:with-param>
        <xsl:with-param name="environ"><xsl:if test="b:dateNaissancePrevue">environ </xsl:if></xsl:with-param>
      </xsl:call-template>
    </xsl:variable>
    <fo:block>
      <xsl:choose>
        <xsl:when test="b:prenom"><fo:inline><xsl:value-of select="b:prenom"/></fo:inline></xsl:when>
        <xsl:when test="b:dateNaissancePrevue">à naître</xsl:when>
        <xsl:otherwise>prénom non renseigné</xsl:otherwise>
      </xsl:choose>
      <xsl:text>, </xsl:text>
      <xsl:choose>
        <xsl:when test="$age = 'à naître'">
          <xsl:text>naissance prévue le </xsl:text>
          <xsl:call-template name="date-courte"><xsl:with-param name="date" select="b:dateNaissancePrevue"/></xsl:call-template>
        </xsl:when>
        <xsl:otherwise>
          <xsl:value-of select="$age"/>
          <xsl:if test="b:dateNaissancePrevue and b:prenom"> (à naître)</xsl:if>
        </xsl:otherwise>
      </xsl:choose>
    </fo:block>
  </xsl:template>

</xsl:stylesheet>
