<?xml version="1.0" encoding="UTF-8"?>
<!-- Une demande d'information (urn:navette:demandes:1) → XSL-FO. docs/pdf.md dit ce que navette comprend de XSL-FO.
     Lecteur visé : l'agent d'un lieu d'information, qui en traite quarante. D'abord qui appeler et comment, puis ce que
     la famille cherche, pour qui, quels jours ; enfin ce qu'elle écrit.
     Espaces : &#160; insécable devant « : » et dans les guillemets, &#8239; fine insécable devant « ; ? ! » et dans les
     nombres. Elles viennent d'ici, jamais du flux. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:fo="http://www.w3.org/1999/XSL/Format"
                xmlns:d="urn:navette:demandes:1" xmlns:n="urn:navette:fo:1"
                xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
                xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
                exclude-result-prefixes="d">

  <xsl:include href="francais.xsl"/>
  <xsl:include href="bordereau-fo.xsl"/>
  <xsl:output method="xml" encoding="UTF-8" indent="no"/>
  <xsl:strip-space elements="*"/>

  <!-- Qui a envoyé le flux. -->
  <xsl:param name="emetteur"/>
  <!-- Noms des communes de la demande : une ligne « code, tabulation, nom » par commune. -->
  <xsl:param name="communes"/>
  <!-- « oui » : un caractère au moins de la demande ne peut pas être imprimé, « � » ou une lettre plus simple en tient lieu. -->
  <xsl:param name="caracteres-remplaces"/>

  <xsl:variable name="encre">#1c1c1c</xsl:variable>
  <xsl:variable name="discret">#595959</xsl:variable>
  <xsl:variable name="filet">0.5pt solid #9a9a9a</xsl:variable>
  <xsl:variable name="fond">#f0f0f0</xsl:variable>

  <!-- Titres des parties, à leur place et dans les signets ; ceux qui dépendent de la demande ont le mode « titre ». -->
  <xsl:variable name="titre">Demande d’information</xsl:variable>
  <xsl:variable name="titre-recherche">Accueil recherché</xsl:variable>
  <xsl:variable name="titre-semaine">Semaine type</xsl:variable>
  <xsl:variable name="titre-commentaire">Commentaire de la famille</xsl:variable>

  <xsl:template match="/d:demande">
    <xsl:variable name="fichier" select="concat('DI_', $emetteur, '_', d:reference, '.xml')"/>
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
              <dc:title><xsl:value-of select="concat($titre, ' ', d:reference)"/></dc:title>
              <xmp:CreateDate><xsl:value-of select="concat(d:dateDemande, 'T00:00:00Z')"/></xmp:CreateDate>
            </rdf:Description>
          </rdf:RDF>
        </x:xmpmeta>
        <n:source-attachment filename="{$fichier}" description="La demande, pour le logiciel du lieu d’information"/>
      </fo:declarations>
      <xsl:call-template name="signets"/>
      <fo:page-sequence master-reference="page" id="demande">
        <fo:static-content flow-name="xsl-region-after">
          <xsl:call-template name="pied"/>
        </fo:static-content>
        <fo:flow flow-name="xsl-region-body">
          <fo:block id="titre" role="H1" font-size="17pt" font-weight="bold" line-height="1.2">
            <xsl:value-of select="$titre"/>
          </fo:block>
          <fo:block color="{$discret}" space-after="8pt">
            <xsl:text>Accueil du jeune enfant · référence </xsl:text>
            <fo:inline color="{$encre}" font-weight="bold"><xsl:value-of select="d:reference"/></fo:inline>
            <xsl:text> · déposée le&#160;</xsl:text>
            <xsl:call-template name="date"><xsl:with-param name="date" select="d:dateDemande"/></xsl:call-template>
          </fo:block>
          <xsl:apply-templates select="d:demandeur"/>
          <xsl:call-template name="recherche"/>
          <xsl:apply-templates select="d:enfants"/>
          <xsl:apply-templates select="d:besoins"/>
          <xsl:call-template name="commentaire"/>
          <xsl:apply-templates select="d:consentement"/>
          <xsl:call-template name="caracteres-remplaces"/>
        </fo:flow>
      </fo:page-sequence>
    </fo:root>
  </xsl:template>

  <!-- Un signet par titre. -->
  <xsl:template name="signets">
    <fo:bookmark-tree>
      <fo:bookmark internal-destination="titre">
        <fo:bookmark-title><xsl:value-of select="concat($titre, ' ', d:reference)"/></fo:bookmark-title>
        <fo:bookmark internal-destination="demandeur">
          <fo:bookmark-title><xsl:apply-templates select="d:demandeur" mode="titre"/></fo:bookmark-title>
        </fo:bookmark>
        <fo:bookmark internal-destination="recherche">
          <fo:bookmark-title><xsl:value-of select="$titre-recherche"/></fo:bookmark-title>
        </fo:bookmark>
        <fo:bookmark internal-destination="enfants">
          <fo:bookmark-title><xsl:apply-templates select="d:enfants" mode="titre"/></fo:bookmark-title>
        </fo:bookmark>
        <fo:bookmark internal-destination="semaine">
          <fo:bookmark-title><xsl:value-of select="$titre-semaine"/></fo:bookmark-title>
        </fo:bookmark>
        <fo:bookmark internal-destination="commentaire">
          <fo:bookmark-title><xsl:value-of select="$titre-commentaire"/></fo:bookmark-title>
        </fo:bookmark>
      </fo:bookmark>
    </fo:bookmark-tree>
  </xsl:template>

  <xsl:template match="d:demandeur" mode="titre">
    <xsl:choose>
      <xsl:when test="d:civilite = 'MME'">Mme&#160;</xsl:when>
      <xsl:otherwise>M.&#160;</xsl:otherwise>
    </xsl:choose>
    <xsl:value-of select="concat(d:prenom, ' ', d:nom)"/>
  </xsl:template>

  <xsl:template match="d:enfants" mode="titre">
    <xsl:text>Enfant</xsl:text>
    <xsl:if test="count(d:enfant) &gt; 1">s</xsl:if>
  </xsl:template>

  <xsl:template name="pied">
    <fo:table border-collapse="separate" font-size="8pt" color="{$discret}">
      <fo:table-column column-width="proportional-column-width(1)"/>
      <fo:table-column column-width="24mm"/>
      <fo:table-body>
        <fo:table-row>
          <fo:table-cell border-top="{$filet}" padding-top="4pt">
            <fo:block>
              <xsl:text>Demande </xsl:text>
              <xsl:value-of select="d:reference"/>
              <xsl:if test="$emetteur != ''">
                <xsl:text>, transmise par </xsl:text>
                <xsl:value-of select="$emetteur"/>
              </xsl:if>
            </fo:block>
            <fo:block>Données personnelles&#160;: elles ne servent qu’à traiter la demande et à joindre la famille.</fo:block>
          </fo:table-cell>
          <fo:table-cell border-top="{$filet}" padding-top="4pt" text-align="end">
            <fo:block>
              <xsl:text>page&#160;</xsl:text>
              <fo:page-number/>
              <xsl:text>/</xsl:text>
              <fo:page-number-citation-last ref-id="demande"/>
            </fo:block>
          </fo:table-cell>
        </fo:table-row>
      </fo:table-body>
    </fo:table>
  </xsl:template>

  <!-- Qui, et comment le joindre. -->
  <xsl:template match="d:demandeur">
    <fo:block role="Sect" background-color="{$fond}" border-left="3pt solid {$encre}" margin="0"
              padding="7pt 9pt 7pt 9pt" keep-together.within-page="always">
      <fo:block id="demandeur" role="H2" font-size="14pt" font-weight="bold" line-height="1.25" space-after="3pt">
        <xsl:apply-templates select="." mode="titre"/>
      </fo:block>
      <fo:table border-collapse="separate">
        <fo:table-column column-width="67.4pt"/><!-- 28 mm, moins le filet et la marge du cadre -->
        <fo:table-column column-width="proportional-column-width(1)"/>
        <fo:table-body>
          <xsl:call-template name="ligne">
            <xsl:with-param name="libelle">Téléphone</xsl:with-param>
            <xsl:with-param name="valeur">
              <xsl:apply-templates select="d:telephone"/>
              <xsl:if test="not(d:telephone)"><xsl:call-template name="absent"/></xsl:if>
            </xsl:with-param>
          </xsl:call-template>
          <xsl:call-template name="ligne">
            <xsl:with-param name="libelle">Courriel</xsl:with-param>
            <xsl:with-param name="valeur">
              <fo:block>
                <xsl:value-of select="d:courriel"/>
                <xsl:if test="not(d:courriel)">non renseigné</xsl:if>
              </fo:block>
            </xsl:with-param>
          </xsl:call-template>
          <xsl:call-template name="ligne">
            <xsl:with-param name="libelle">Adresse</xsl:with-param>
            <xsl:with-param name="valeur"><xsl:apply-templates select="d:adresse"/></xsl:with-param>
          </xsl:call-template>
          <xsl:call-template name="ligne">
            <xsl:with-param name="libelle">Caf</xsl:with-param>
            <xsl:with-param name="valeur">
              <fo:block>
                <xsl:choose>
                  <xsl:when test="d:allocataire">
                    <xsl:text>allocataire n°&#160;</xsl:text>
                    <xsl:value-of select="d:allocataire/d:numeroAllocataire"/>
                  </xsl:when>
                  <xsl:otherwise>non allocataire</xsl:otherwise>
                </xsl:choose>
              </fo:block>
            </xsl:with-param>
          </xsl:call-template>
        </fo:table-body>
      </fo:table>
    </fo:block>
  </xsl:template>

  <xsl:template match="d:telephone">
    <fo:block font-size="13pt" font-weight="bold" line-height="1.25">
      <xsl:call-template name="telephone"><xsl:with-param name="numero" select="."/></xsl:call-template>
    </fo:block>
  </xsl:template>

  <xsl:template match="d:adresse">
    <fo:block>
      <xsl:for-each select="d:ligne">
        <fo:inline><xsl:value-of select="."/></fo:inline>
        <xsl:text>, </xsl:text>
      </xsl:for-each>
      <xsl:value-of select="concat(d:codePostal, '&#160;', d:commune)"/>
    </fo:block>
  </xsl:template>

  <!-- Une ligne « libellé, valeur » : `valeur` porte des fo:block. -->
  <xsl:template name="ligne">
    <xsl:param name="libelle"/>
    <xsl:param name="valeur"/>
    <fo:table-row>
      <fo:table-cell role="TH" color="{$discret}" display-align="center" padding-top="1.2pt" padding-bottom="1.2pt">
        <fo:block><xsl:value-of select="$libelle"/></fo:block>
      </fo:table-cell>
      <fo:table-cell display-align="center" padding-top="1.2pt" padding-bottom="1.2pt">
        <xsl:copy-of select="$valeur"/>
      </fo:table-cell>
    </fo:table-row>
  </xsl:template>

  <xsl:template name="absent">
    <fo:block>non renseigné</fo:block>
  </xsl:template>

  <xsl:template name="titre">
    <xsl:param name="id"/>
    <xsl:param name="texte"/>
    <xsl:param name="complement"/>
    <fo:block id="{$id}" role="H2" font-size="11.5pt" font-weight="bold" space-before="12pt" space-after="4pt" margin="0"
              padding-bottom="1.5pt" border-bottom="0.75pt solid {$encre}" keep-with-next.within-page="always">
      <xsl:value-of select="$texte"/>
      <xsl:if test="$complement != ''">
        <fo:inline font-size="10pt" font-weight="normal">
          <xsl:value-of select="concat('&#160;: ', $complement)"/>
        </fo:inline>
      </xsl:if>
    </fo:block>
  </xsl:template>

  <!-- Où, quel accueil, à partir de quand. -->
  <xsl:template name="recherche">
    <fo:block role="Sect">
      <xsl:call-template name="titre">
        <xsl:with-param name="id">recherche</xsl:with-param>
        <xsl:with-param name="texte" select="$titre-recherche"/>
      </xsl:call-template>
      <fo:table border-collapse="separate">
        <fo:table-column column-width="28mm"/>
        <fo:table-column column-width="proportional-column-width(1)"/>
        <fo:table-body>
          <xsl:call-template name="ligne">
            <xsl:with-param name="libelle">
              <xsl:text>Commune</xsl:text>
              <xsl:if test="count(d:communesSouhaitees/d:codeInsee) &gt; 1">s</xsl:if>
            </xsl:with-param>
            <xsl:with-param name="valeur"><xsl:apply-templates select="d:communesSouhaitees"/></xsl:with-param>
          </xsl:call-template>
          <xsl:call-template name="ligne">
            <xsl:with-param name="libelle">Accueil</xsl:with-param>
            <xsl:with-param name="valeur"><xsl:apply-templates select="d:modesAccueil"/></xsl:with-param>
          </xsl:call-template>
          <xsl:call-template name="ligne">
            <xsl:with-param name="libelle">Période</xsl:with-param>
            <xsl:with-param name="valeur"><xsl:apply-templates select="d:periode"/></xsl:with-param>
          </xsl:call-template>
        </fo:table-body>
      </fo:table>
    </fo:block>
  </xsl:template>

  <xsl:template match="d:communesSouhaitees">
    <fo:block>
      <xsl:for-each select="d:codeInsee">
        <xsl:variable name="nom" select="substring-before(
            substring-after(concat('&#10;', $communes, '&#10;'), concat('&#10;', ., '&#9;')), '&#10;')"/>
        <xsl:if test="position() &gt; 1">, </xsl:if>
        <xsl:choose>
          <xsl:when test="$nom != ''">
            <fo:inline font-weight="bold"><xsl:value-of select="$nom"/></fo:inline>
            <fo:inline color="{$discret}"><xsl:value-of select="concat('&#160;(Insee&#160;', ., ')')"/></fo:inline>
          </xsl:when>
          <xsl:otherwise><fo:inline font-weight="bold"><xsl:value-of select="."/></fo:inline></xsl:otherwise>
        </xsl:choose>
      </xsl:for-each>
    </fo:block>
  </xsl:template>

  <xsl:template match="d:modesAccueil">
    <fo:block>
      <xsl:for-each select="d:modeAccueil">
        <xsl:if test="position() &gt; 1">, à défaut </xsl:if>
        <xsl:choose>
          <xsl:when test=". = 'creche-collective'">crèche collective</xsl:when>
          <xsl:when test=". = 'assistante-maternelle'">assistante maternelle</xsl:when>
          <xsl:when test=". = 'garde-domicile'">garde à domicile</xsl:when>
          <xsl:otherwise><xsl:value-of select="."/></xsl:otherwise>
        </xsl:choose>
      </xsl:for-each>
    </fo:block>
  </xsl:template>

  <xsl:template match="d:periode">
    <fo:block>
      <xsl:choose>
        <xsl:when test="d:dateFin = d:dateDebut">le </xsl:when>
        <xsl:when test="d:dateFin">du </xsl:when>
        <xsl:otherwise>à partir du </xsl:otherwise>
      </xsl:choose>
      <fo:inline font-weight="bold">
        <xsl:call-template name="date"><xsl:with-param name="date" select="d:dateDebut"/></xsl:call-template>
      </fo:inline>
      <xsl:choose>
        <xsl:when test="d:dateFin = d:dateDebut"/>
        <xsl:when test="d:dateFin">
          <xsl:text> au </xsl:text>
          <xsl:call-template name="date"><xsl:with-param name="date" select="d:dateFin"/></xsl:call-template>
        </xsl:when>
        <xsl:otherwise> (fin non renseignée)</xsl:otherwise>
      </xsl:choose>
      <xsl:if test="translate(d:dateDebut, '-', '') &lt; translate(../d:dateDemande, '-', '')">, début déjà passé à la date de la demande</xsl:if>
    </fo:block>
  </xsl:template>

  <xsl:template match="d:enfants">
    <fo:block role="Sect">
      <xsl:call-template name="titre">
        <xsl:with-param name="id">enfants</xsl:with-param>
        <xsl:with-param name="texte"><xsl:apply-templates select="." mode="titre"/></xsl:with-param>
      </xsl:call-template>
      <fo:table border-collapse="separate">
        <fo:table-column column-width="proportional-column-width(4)"/>
        <fo:table-column column-width="proportional-column-width(5)"/>
        <fo:table-column column-width="proportional-column-width(3)"/>
        <fo:table-column column-width="proportional-column-width(3)"/>
        <fo:table-header color="{$discret}" font-size="8.5pt">
          <fo:table-row>
            <fo:table-cell><fo:block>Prénom</fo:block></fo:table-cell>
            <fo:table-cell><fo:block>Naissance</fo:block></fo:table-cell>
            <fo:table-cell><fo:block>Âge à la demande</fo:block></fo:table-cell>
            <fo:table-cell><fo:block>Âge à l’entrée</fo:block></fo:table-cell>
          </fo:table-row>
        </fo:table-header>
        <fo:table-body><xsl:apply-templates select="d:enfant"/></fo:table-body>
      </fo:table>
    </fo:block>
  </xsl:template>

  <xsl:template match="d:enfant">
    <xsl:variable name="naissance" select="d:dateNaissance | d:dateNaissancePrevue"/>
    <fo:table-row>
      <fo:table-cell role="TH" border-top="{$filet}" padding="2pt 6pt 2pt 0pt" font-weight="bold">
        <fo:block>
          <xsl:value-of select="d:prenom"/>
          <xsl:if test="not(d:prenom)">
            <fo:inline font-weight="normal">
              <xsl:choose>
                <xsl:when test="d:dateNaissancePrevue">enfant à naître</xsl:when>
                <xsl:otherwise>prénom non renseigné</xsl:otherwise>
              </xsl:choose>
            </fo:inline>
          </xsl:if>
        </fo:block>
      </fo:table-cell>
      <fo:table-cell border-top="{$filet}" padding="2pt 6pt 2pt 0pt">
        <fo:block>
          <xsl:choose>
            <xsl:when test="d:dateNaissance">le&#160;</xsl:when>
            <xsl:otherwise>prévue le&#160;</xsl:otherwise>
          </xsl:choose>
          <xsl:call-template name="date"><xsl:with-param name="date" select="$naissance"/></xsl:call-template>
        </fo:block>
      </fo:table-cell>
      <fo:table-cell border-top="{$filet}" padding="2pt 6pt 2pt 0pt">
        <fo:block>
          <xsl:choose>
            <xsl:when test="d:dateNaissance">
              <xsl:call-template name="age">
                <xsl:with-param name="naissance" select="$naissance"/>
                <xsl:with-param name="jour" select="ancestor::d:demande/d:dateDemande"/>
              </xsl:call-template>
            </xsl:when>
            <xsl:otherwise>à naître</xsl:otherwise>
          </xsl:choose>
        </fo:block>
      </fo:table-cell>
      <fo:table-cell border-top="{$filet}" padding="2pt 0pt 2pt 0pt">
        <xsl:if test="d:dateNaissance"><xsl:attribute name="font-weight">bold</xsl:attribute></xsl:if>
        <fo:block>
          <xsl:call-template name="age">
            <xsl:with-param name="naissance" select="$naissance"/>
            <xsl:with-param name="jour">
              <xsl:call-template name="plus-tard">
                <xsl:with-param name="un" select="ancestor::d:demande/d:periode/d:dateDebut"/>
                <xsl:with-param name="autre" select="ancestor::d:demande/d:dateDemande"/>
              </xsl:call-template>
            </xsl:with-param>
            <xsl:with-param name="environ"><xsl:if test="d:dateNaissancePrevue">environ </xsl:if></xsl:with-param>
          </xsl:call-template>
        </fo:block>
      </fo:table-cell>
    </fo:table-row>
  </xsl:template>

  <!-- La semaine type. -->
  <xsl:template match="d:besoins">
    <fo:block role="Sect">
      <xsl:call-template name="titre">
        <xsl:with-param name="id">semaine</xsl:with-param>
        <xsl:with-param name="texte" select="$titre-semaine"/>
        <xsl:with-param name="complement"><xsl:if test="d:creneau"><xsl:call-template name="semaine"/></xsl:if></xsl:with-param>
      </xsl:call-template>
      <xsl:choose>
        <xsl:when test="not(d:creneau)">
          <fo:block>Jours et horaires non renseignés.</fo:block>
        </xsl:when>
        <xsl:otherwise>
          <fo:table border-collapse="separate" keep-together.within-page="always">
            <fo:table-column column-width="22mm"/>
            <fo:table-column column-width="proportional-column-width(1)"/>
            <fo:table-column column-width="74mm"/>
            <fo:table-column column-width="18mm"/>
            <fo:table-header color="{$discret}" font-size="8.5pt">
              <fo:table-row>
                <fo:table-cell><fo:block>Jour</fo:block></fo:table-cell>
                <fo:table-cell><fo:block>Horaires</fo:block></fo:table-cell>
                <fo:table-cell role="artifact"><xsl:call-template name="heures"/></fo:table-cell>
                <fo:table-cell text-align="end"><fo:block>Durée</fo:block></fo:table-cell>
              </fo:table-row>
            </fo:table-header>
            <fo:table-body>
              <xsl:call-template name="jour"><xsl:with-param name="jour">lundi</xsl:with-param></xsl:call-template>
              <xsl:call-template name="jour"><xsl:with-param name="jour">mardi</xsl:with-param></xsl:call-template>
              <xsl:call-template name="jour"><xsl:with-param name="jour">mercredi</xsl:with-param></xsl:call-template>
              <xsl:call-template name="jour"><xsl:with-param name="jour">jeudi</xsl:with-param></xsl:call-template>
              <xsl:call-template name="jour"><xsl:with-param name="jour">vendredi</xsl:with-param></xsl:call-template>
              <xsl:if test="d:creneau[d:jour = 'samedi' or d:jour = 'dimanche']">
                <xsl:call-template name="jour"><xsl:with-param name="jour">samedi</xsl:with-param></xsl:call-template>
                <xsl:call-template name="jour"><xsl:with-param name="jour">dimanche</xsl:with-param></xsl:call-template>
              </xsl:if>
            </fo:table-body>
          </fo:table>
        </xsl:otherwise>
      </xsl:choose>
    </fo:block>
  </xsl:template>

  <!-- « 3 jours, 28 h 30 ». -->
  <xsl:template name="semaine">
    <xsl:variable name="jours" select="boolean(d:creneau[d:jour = 'lundi']) + boolean(d:creneau[d:jour = 'mardi'])
        + boolean(d:creneau[d:jour = 'mercredi']) + boolean(d:creneau[d:jour = 'jeudi'])
        + boolean(d:creneau[d:jour = 'vendredi']) + boolean(d:creneau[d:jour = 'samedi'])
        + boolean(d:creneau[d:jour = 'dimanche'])"/>
    <xsl:value-of select="concat($jours, '&#160;jour')"/>
    <xsl:if test="$jours &gt; 1">s</xsl:if>
    <xsl:text>, </xsl:text>
    <xsl:call-template name="duree">
      <xsl:with-param name="minutes">
        <xsl:call-template name="minutes-semaine"><xsl:with-param name="creneaux" select="d:creneau"/></xsl:call-template>
      </xsl:with-param>
    </xsl:call-template>
  </xsl:template>

  <!-- L'échelle au-dessus de la grille, de 0 à 24 heures. -->
  <xsl:template name="heures">
    <fo:table border-collapse="separate" role="artifact" font-size="7pt">
      <fo:table-column/><fo:table-column/><fo:table-column/><fo:table-column/>
      <fo:table-body>
        <fo:table-row height="10pt">
          <fo:table-cell border-left="{$filet}" padding-left="2pt" display-align="center"><fo:block>0&#160;h</fo:block></fo:table-cell>
          <fo:table-cell border-left="{$filet}" padding-left="2pt" display-align="center"><fo:block>6&#160;h</fo:block></fo:table-cell>
          <fo:table-cell border-left="{$filet}" padding-left="2pt" display-align="center"><fo:block>12&#160;h</fo:block></fo:table-cell>
          <fo:table-cell border-left="{$filet}" padding-left="2pt" display-align="center"><fo:block>18&#160;h</fo:block></fo:table-cell>
        </fo:table-row>
      </fo:table-body>
    </fo:table>
  </xsl:template>

  <xsl:template name="jour">
    <xsl:param name="jour"/>
    <xsl:variable name="creneaux" select="d:creneau[d:jour = $jour]"/>
    <fo:table-row>
      <fo:table-cell role="TH" border-top="{$filet}" padding-top="2pt" padding-bottom="2pt" display-align="center">
        <xsl:if test="$creneaux"><xsl:attribute name="font-weight">bold</xsl:attribute></xsl:if>
        <fo:block><xsl:value-of select="$jour"/></fo:block>
      </fo:table-cell>
      <fo:table-cell border-top="{$filet}" padding="2pt 6pt 2pt 0pt" display-align="center">
        <fo:block>
          <xsl:for-each select="$creneaux">
            <xsl:sort select="d:heureDebut"/>
            <xsl:if test="position() &gt; 1">, </xsl:if>
            <xsl:call-template name="heure"><xsl:with-param name="heure" select="d:heureDebut"/></xsl:call-template>
            <xsl:text>&#160;à&#160;</xsl:text>
            <xsl:call-template name="heure"><xsl:with-param name="heure" select="d:heureFin"/></xsl:call-template>
          </xsl:for-each>
          <xsl:if test="not($creneaux)"><fo:inline color="{$discret}">pas d’accueil</fo:inline></xsl:if>
        </fo:block>
      </fo:table-cell>
      <fo:table-cell role="artifact" border-top="{$filet}" padding-top="2.5pt" padding-bottom="2.5pt" display-align="center">
        <xsl:call-template name="grille"><xsl:with-param name="creneaux" select="$creneaux"/></xsl:call-template>
      </fo:table-cell>
      <fo:table-cell border-top="{$filet}" padding-top="2pt" padding-bottom="2pt" text-align="end" display-align="center">
        <fo:block>
          <xsl:choose>
            <xsl:when test="$creneaux">
              <xsl:call-template name="duree">
                <xsl:with-param name="minutes">
                  <xsl:call-template name="minutes-couvertes">
                    <xsl:with-param name="creneaux" select="$creneaux"/>
                  </xsl:call-template>
                </xsl:with-param>
              </xsl:call-template>
            </xsl:when>
            <xsl:otherwise>–</xsl:otherwise>
          </xsl:choose>
        </fo:block>
      </fo:table-cell>
    </fo:table-row>
  </xsl:template>

  <!-- Une journée dessinée : un tableau d'une ligne, une colonne par créneau et par intervalle, larges comme leur durée.
       Pour l'œil seulement : la colonne des horaires dit la même chose. -->
  <xsl:template name="grille">
    <xsl:param name="creneaux"/>
    <xsl:variable name="colonnes">
      <xsl:call-template name="bandes">
        <xsl:with-param name="creneaux" select="$creneaux"/>
        <xsl:with-param name="forme">colonne</xsl:with-param>
      </xsl:call-template>
    </xsl:variable>
    <fo:table border-collapse="separate" role="artifact">
      <xsl:copy-of select="$colonnes"/>
      <fo:table-body>
        <fo:table-row height="9pt" background-color="{$fond}">
          <xsl:call-template name="bandes">
            <xsl:with-param name="creneaux" select="$creneaux"/>
            <xsl:with-param name="forme">cellule</xsl:with-param>
          </xsl:call-template>
        </fo:table-row>
      </fo:table-body>
    </fo:table>
  </xsl:template>

  <!-- Va de `depuis` à la fin du jour, un créneau après l'autre ; ceux qui se chevauchent se prolongent. -->
  <xsl:template name="bandes">
    <xsl:param name="creneaux"/>
    <xsl:param name="forme"/>
    <xsl:param name="depuis" select="0"/>
    <xsl:variable name="restants" select="$creneaux[number(substring(d:heureFin, 1, 2)) * 60
        + number(substring(d:heureFin, 4, 2)) &gt; $depuis]"/>
    <xsl:choose>
      <xsl:when test="$restants">
        <xsl:for-each select="$restants">
          <xsl:sort select="d:heureDebut"/>
          <xsl:if test="position() = 1">
            <xsl:variable name="debut" select="substring(d:heureDebut, 1, 2) * 60 + substring(d:heureDebut, 4, 2)"/>
            <xsl:variable name="fin" select="substring(d:heureFin, 1, 2) * 60 + substring(d:heureFin, 4, 2)"/>
            <xsl:variable name="vrai-debut" select="$debut * ($debut &gt; $depuis) + $depuis * not($debut &gt; $depuis)"/>
            <xsl:call-template name="bande">
              <xsl:with-param name="forme" select="$forme"/>
              <xsl:with-param name="minutes" select="$vrai-debut - $depuis"/>
            </xsl:call-template>
            <xsl:call-template name="bande">
              <xsl:with-param name="forme" select="$forme"/>
              <xsl:with-param name="minutes" select="$fin - $vrai-debut"/>
              <xsl:with-param name="pleine" select="true()"/>
            </xsl:call-template>
            <xsl:call-template name="bandes">
              <xsl:with-param name="creneaux" select="$creneaux"/>
              <xsl:with-param name="forme" select="$forme"/>
              <xsl:with-param name="depuis" select="$fin"/>
            </xsl:call-template>
          </xsl:if>
        </xsl:for-each>
      </xsl:when>
      <xsl:otherwise>
        <xsl:call-template name="bande">
          <xsl:with-param name="forme" select="$forme"/>
          <xsl:with-param name="minutes" select="1440 - $depuis"/>
        </xsl:call-template>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="bande">
    <xsl:param name="forme"/>
    <xsl:param name="minutes"/>
    <xsl:param name="pleine" select="false()"/>
    <xsl:choose>
      <xsl:when test="$minutes &lt;= 0"/>
      <xsl:when test="$forme = 'colonne'">
        <fo:table-column column-width="proportional-column-width({$minutes})"/>
      </xsl:when>
      <!-- XSL-FO veut un bloc dans chaque cellule ; navette s'en passerait. -->
      <xsl:when test="$pleine"><fo:table-cell background-color="#4d4d4d"><fo:block/></fo:table-cell></xsl:when>
      <xsl:otherwise><fo:table-cell><fo:block/></fo:table-cell></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="commentaire">
    <fo:block role="Sect">
      <xsl:call-template name="titre">
        <xsl:with-param name="id">commentaire</xsl:with-param>
        <xsl:with-param name="texte" select="$titre-commentaire"/>
      </xsl:call-template>
      <xsl:choose>
        <!-- Presque tout commentaire a un « e » : la liste des invisibles, longue à parcourir, ne sert qu'aux autres. -->
        <xsl:when test="contains(d:commentaire, 'e') or normalize-space(translate(d:commentaire, $invisibles, '')) != ''">
          <fo:block margin="0" padding-left="8pt" border-left="1.5pt solid #9a9a9a" linefeed-treatment="preserve"
                    white-space-collapse="false" white-space-treatment="preserve">
            <!-- Les fins de ligne s'écrivent CR LF, CR, NEL ou de deux façons encore. -->
            <xsl:variable name="lignes" select="translate(d:commentaire, '&#133;&#8232;&#8233;', '&#10;&#10;&#10;')"/>
            <xsl:call-template name="paragraphes">
              <xsl:with-param name="texte">
                <xsl:choose>
                  <xsl:when test="contains($lignes, '&#13;&#10;')"><xsl:value-of select="translate($lignes, '&#13;', '')"/></xsl:when>
                  <xsl:otherwise><xsl:value-of select="translate($lignes, '&#13;', '&#10;')"/></xsl:otherwise>
                </xsl:choose>
              </xsl:with-param>
            </xsl:call-template>
          </fo:block>
        </xsl:when>
        <xsl:otherwise><fo:block>Pas de commentaire.</fo:block></xsl:otherwise>
      </xsl:choose>
    </fo:block>
  </xsl:template>

  <!-- Ce qui ne se voit pas : blancs de toute largeur, fins de ligne, et ce qu'Unicode dit ignorable (Default_Ignorable :
       jointures, directions, sélecteurs de variante, étiquettes). -->
  <xsl:variable name="invisibles">
    &#x85;&#xA0;&#xAD;&#x34F;&#x61C;&#x115F;&#x1160;&#x1680;&#x17B4;&#x17B5;&#x180B;&#x180C;&#x180D;&#x180E;&#x180F;
    &#x2000;&#x2001;&#x2002;&#x2003;&#x2004;&#x2005;&#x2006;&#x2007;&#x2008;&#x2009;&#x200A;&#x200B;&#x200C;&#x200D;
    &#x200E;&#x200F;&#x2028;&#x2029;&#x202A;&#x202B;&#x202C;&#x202D;&#x202E;&#x202F;&#x205F;&#x2060;&#x2061;&#x2062;
    &#x2063;&#x2064;&#x2065;&#x2066;&#x2067;&#x2068;&#x2069;&#x206A;&#x206B;&#x206C;&#x206D;&#x206E;&#x206F;&#x2800;
    &#x3000;&#x3164;&#xFE00;&#xFE01;&#xFE02;&#xFE03;&#xFE04;&#xFE05;&#xFE06;&#xFE07;&#xFE08;&#xFE09;&#xFE0A;&#xFE0B;
    &#xFE0C;&#xFE0D;&#xFE0E;&#xFE0F;&#xFEFF;&#xFFA0;&#x1BCA0;&#x1BCA1;&#x1BCA2;&#x1BCA3;&#x1D173;&#x1D174;&#x1D175;
    &#x1D176;&#x1D177;&#x1D178;&#x1D179;&#x1D17A;&#xE0001;&#xE0020;&#xE0021;&#xE0022;&#xE0023;&#xE0024;&#xE0025;
    &#xE0026;&#xE0027;&#xE0028;&#xE0029;&#xE002A;&#xE002B;&#xE002C;&#xE002D;&#xE002E;&#xE002F;&#xE0030;&#xE0031;
    &#xE0032;&#xE0033;&#xE0034;&#xE0035;&#xE0036;&#xE0037;&#xE0038;&#xE0039;&#xE003A;&#xE003B;&#xE003C;&#xE003D;
    &#xE003E;&#xE003F;&#xE0040;&#xE0041;&#xE0042;&#xE0043;&#xE0044;&#xE0045;&#xE0046;&#xE0047;&#xE0048;&#xE0049;
    &#xE004A;&#xE004B;&#xE004C;&#xE004D;&#xE004E;&#xE004F;&#xE0050;&#xE0051;&#xE0052;&#xE0053;&#xE0054;&#xE0055;
    &#xE0056;&#xE0057;&#xE0058;&#xE0059;&#xE005A;&#xE005B;&#xE005C;&#xE005D;&#xE005E;&#xE005F;&#xE0060;&#xE0061;
    &#xE0062;&#xE0063;&#xE0064;&#xE0065;&#xE0066;&#xE0067;&#xE0068;&#xE0069;&#xE006A;&#xE006B;&#xE006C;&#xE006D;
    &#xE006E;&#xE006F;&#xE0070;&#xE0071;&#xE0072;&#xE0073;&#xE0074;&#xE0075;&#xE0076;&#xE0077;&#xE0078;&#xE0079;
    &#xE007A;&#xE007B;&#xE007C;&#xE007D;&#xE007E;&#xE007F;&#xE0100;&#xE0101;&#xE0102;&#xE0103;&#xE0104;&#xE0105;
    &#xE0106;&#xE0107;&#xE0108;&#xE0109;&#xE010A;&#xE010B;&#xE010C;&#xE010D;&#xE010E;&#xE010F;&#xE0110;&#xE0111;
    &#xE0112;&#xE0113;&#xE0114;&#xE0115;&#xE0116;&#xE0117;&#xE0118;&#xE0119;&#xE011A;&#xE011B;&#xE011C;&#xE011D;
    &#xE011E;&#xE011F;&#xE0120;&#xE0121;&#xE0122;&#xE0123;&#xE0124;&#xE0125;&#xE0126;&#xE0127;&#xE0128;&#xE0129;
    &#xE012A;&#xE012B;&#xE012C;&#xE012D;&#xE012E;&#xE012F;&#xE0130;&#xE0131;&#xE0132;&#xE0133;&#xE0134;&#xE0135;
    &#xE0136;&#xE0137;&#xE0138;&#xE0139;&#xE013A;&#xE013B;&#xE013C;&#xE013D;&#xE013E;&#xE013F;&#xE0140;&#xE0141;
    &#xE0142;&#xE0143;&#xE0144;&#xE0145;&#xE0146;&#xE0147;&#xE0148;&#xE0149;&#xE014A;&#xE014B;&#xE014C;&#xE014D;
    &#xE014E;&#xE014F;&#xE0150;&#xE0151;&#xE0152;&#xE0153;&#xE0154;&#xE0155;&#xE0156;&#xE0157;&#xE0158;&#xE0159;
    &#xE015A;&#xE015B;&#xE015C;&#xE015D;&#xE015E;&#xE015F;&#xE0160;&#xE0161;&#xE0162;&#xE0163;&#xE0164;&#xE0165;
    &#xE0166;&#xE0167;&#xE0168;&#xE0169;&#xE016A;&#xE016B;&#xE016C;&#xE016D;&#xE016E;&#xE016F;&#xE0170;&#xE0171;
    &#xE0172;&#xE0173;&#xE0174;&#xE0175;&#xE0176;&#xE0177;&#xE0178;&#xE0179;&#xE017A;&#xE017B;&#xE017C;&#xE017D;
    &#xE017E;&#xE017F;&#xE0180;&#xE0181;&#xE0182;&#xE0183;&#xE0184;&#xE0185;&#xE0186;&#xE0187;&#xE0188;&#xE0189;
    &#xE018A;&#xE018B;&#xE018C;&#xE018D;&#xE018E;&#xE018F;&#xE0190;&#xE0191;&#xE0192;&#xE0193;&#xE0194;&#xE0195;
    &#xE0196;&#xE0197;&#xE0198;&#xE0199;&#xE019A;&#xE019B;&#xE019C;&#xE019D;&#xE019E;&#xE019F;&#xE01A0;&#xE01A1;
    &#xE01A2;&#xE01A3;&#xE01A4;&#xE01A5;&#xE01A6;&#xE01A7;&#xE01A8;&#xE01A9;&#xE01AA;&#xE01AB;&#xE01AC;&#xE01AD;
    &#xE01AE;&#xE01AF;&#xE01B0;&#xE01B1;&#xE01B2;&#xE01B3;&#xE01B4;&#xE01B5;&#xE01B6;&#xE01B7;&#xE01B8;&#xE01B9;
    &#xE01BA;&#xE01BB;&#xE01BC;&#xE01BD;&#xE01BE;&#xE01BF;&#xE01C0;&#xE01C1;&#xE01C2;&#xE01C3;&#xE01C4;&#xE01C5;
    &#xE01C6;&#xE01C7;&#xE01C8;&#xE01C9;&#xE01CA;&#xE01CB;&#xE01CC;&#xE01CD;&#xE01CE;&#xE01CF;&#xE01D0;&#xE01D1;
    &#xE01D2;&#xE01D3;&#xE01D4;&#xE01D5;&#xE01D6;&#xE01D7;&#xE01D8;&#xE01D9;&#xE01DA;&#xE01DB;&#xE01DC;&#xE01DD;
    &#xE01DE;&#xE01DF;&#xE01E0;&#xE01E1;&#xE01E2;&#xE01E3;&#xE01E4;&#xE01E5;&#xE01E6;&#xE01E7;&#xE01E8;&#xE01E9;
    &#xE01EA;&#xE01EB;&#xE01EC;&#xE01ED;&#xE01EE;&#xE01EF;
  </xsl:variable>

  <!-- Un bloc par paragraphe : les lignes vides les séparent. -->
  <xsl:template name="paragraphes">
    <xsl:param name="texte"/>
    <xsl:param name="suite" select="false()"/>
    <xsl:variable name="premier" select="substring(translate($texte, '&#10;', ''), 1, 1)"/>
    <xsl:if test="$premier != ''">
      <xsl:variable name="reste" select="concat($premier, substring-after($texte, $premier))"/>
      <xsl:variable name="paragraphe">
        <xsl:choose>
          <xsl:when test="contains($reste, '&#10;&#10;')"><xsl:value-of select="substring-before($reste, '&#10;&#10;')"/></xsl:when>
          <xsl:otherwise><xsl:value-of select="$reste"/></xsl:otherwise>
        </xsl:choose>
      </xsl:variable>
      <fo:block>
        <xsl:if test="$suite"><xsl:attribute name="space-before">1em</xsl:attribute></xsl:if>
        <xsl:value-of select="$paragraphe"/>
      </fo:block>
      <xsl:call-template name="paragraphes">
        <xsl:with-param name="texte" select="substring-after($reste, '&#10;&#10;')"/>
        <xsl:with-param name="suite" select="true()"/>
      </xsl:call-template>
    </xsl:if>
  </xsl:template>

  <xsl:template name="caracteres-remplaces">
    <xsl:if test="$caracteres-remplaces = 'oui'">
      <fo:block color="{$discret}" font-size="8.5pt" space-before="3pt" keep-with-previous.within-page="always">
        <xsl:text>Le signe «&#160;�&#160;», ou une lettre plus simple, tient lieu d’un caractère qui ne peut pas être imprimé&#160;: le texte </xsl:text>
        <xsl:text>d’origine est entier dans le fichier XML joint.</xsl:text>
      </fo:block>
    </xsl:if>
  </xsl:template>

  <xsl:template match="d:consentement">
    <fo:block color="{$discret}" font-size="8.5pt" space-before="12pt"
              keep-with-previous.within-page="always">
      <xsl:text>La famille a donné son accord le&#160;</xsl:text>
      <xsl:call-template name="date"><xsl:with-param name="date" select="d:dateConsentement"/></xsl:call-template>
      <xsl:text> pour que sa demande soit transmise aux lieux d’information des communes souhaitées. La demande est transmise par </xsl:text>
      <fo:inline><xsl:value-of select="$emetteur"/></fo:inline>
      <xsl:text>&#8239;; ses données ne servent qu’à la traiter et à joindre la famille.</xsl:text>
    </fo:block>
  </xsl:template>

</xsl:stylesheet>
