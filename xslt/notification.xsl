<?xml version="1.0" encoding="UTF-8"?>
<!--
  The notification of a remise to the persons habilitated of a lieu (R4): subject, text and HTML of one e-mail.

  Input, namespace urn:navette:notification:1, every value a text:
    <notification>
      <remise>        identifier of the remise
      <reemission>    identifier of the remise that this one issues again (R15); empty or missing for a first issue
      <lieu>          name of the lieu
      <partenaire>    name of the partner; may be empty or missing
      <convention>    number of the convention; may be empty or missing
      <nombre>        of demandes, 1 or more
      <emplacement>   where to fetch them, as FileSender::describe_place says it
      <dernierJour>   last day of the pickup delay (R5), in French: « 7 décembre 2026 »
      <delai>         pickup delay in calendar days (R5)
      <conservation>  longest retention in months (R6)
      <contact>       the Caf's address for help; may be empty or missing
    </notification>
  Output, no namespace:
    <courriel><objet>…</objet><texte>…</texte><html>…</html></courriel>
  <html> is written so that the bytes from "<html" to "</html>" of the serialised result are an HTML document as well:
  put "<!DOCTYPE html>" before them. No element in it is empty but void ones.

  Nothing about a family may ever stand here, nor in the input (R4, R9). Sentences common to text and HTML are written
  once, in variables. U+00A0 and U+202F are written as references, to be seen.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
                xmlns:n="urn:navette:notification:1" exclude-result-prefixes="n">
  <xsl:output method="xml" encoding="UTF-8" indent="no"/>
  <xsl:strip-space elements="*"/>

  <xsl:variable name="remise" select="normalize-space(/n:notification/n:remise)"/>
  <xsl:variable name="reemission" select="normalize-space(/n:notification/n:reemission)"/>
  <xsl:variable name="lieu" select="normalize-space(/n:notification/n:lieu)"/>
  <xsl:variable name="partenaire" select="normalize-space(/n:notification/n:partenaire)"/>
  <xsl:variable name="convention" select="normalize-space(/n:notification/n:convention)"/>
  <xsl:variable name="nombre" select="number(/n:notification/n:nombre)"/>
  <xsl:variable name="emplacement" select="normalize-space(/n:notification/n:emplacement)"/>
  <xsl:variable name="dernier-jour" select="normalize-space(/n:notification/n:dernierJour)"/>
  <xsl:variable name="delai" select="normalize-space(/n:notification/n:delai)"/>
  <xsl:variable name="conservation" select="normalize-space(/n:notification/n:conservation)"/>
  <xsl:variable name="contact" select="normalize-space(/n:notification/n:contact)"/>

  <!-- French: the plural begins at two. -->
  <xsl:variable name="plusieurs" select="$nombre &gt;= 2"/>

  <xsl:variable name="demandes">
    <xsl:value-of select="$nombre"/>
    <xsl:choose>
      <xsl:when test="$plusieurs">&#160;demandes d’information</xsl:when>
      <xsl:otherwise>&#160;demande d’information</xsl:otherwise>
    </xsl:choose>
  </xsl:variable>

  <xsl:variable name="objet" select="concat($demandes, ' à retirer jusqu’au ', $dernier-jour, ' inclus – ', $lieu)"/>

  <xsl:variable name="annonce">
    <xsl:value-of select="$demandes"/>
    <xsl:choose>
      <xsl:when test="$plusieurs">, déposées par des familles sur monenfant.fr, attendent</xsl:when>
      <xsl:otherwise>, déposée par une famille sur monenfant.fr, attend</xsl:otherwise>
    </xsl:choose>
    <xsl:text> le lieu d’information «&#160;</xsl:text>
    <xsl:value-of select="$lieu"/>
    <xsl:text>&#160;».</xsl:text>
    <xsl:if test="$reemission">
      <xsl:text> Cette remise met de nouveau à disposition le contenu de la remise </xsl:text>
      <xsl:value-of select="$reemission"/>
      <xsl:choose>
        <xsl:when test="$plusieurs">&#160;: ce sont les mêmes demandes.</xsl:when>
        <xsl:otherwise>&#160;: c’est la même demande.</xsl:otherwise>
      </xsl:choose>
      <xsl:text> La durée de conservation court depuis la première transmission.</xsl:text>
    </xsl:if>
  </xsl:variable>

  <xsl:variable name="echeance" select="concat('jusqu’au ', $dernier-jour, ' inclus')"/>
  <xsl:variable name="compte" select="concat('soit ', $delai, '&#160;jours calendaires, le jour d’envoi de ce message ne comptant pas')"/>

  <xsl:variable name="contenu">
    <xsl:choose>
      <xsl:when test="$plusieurs">Chaque demande est fournie</xsl:when>
      <xsl:otherwise>La demande est fournie</xsl:otherwise>
    </xsl:choose>
    <xsl:text> sous deux formes&#160;: un fichier PDF, pour la lecture, et un fichier XML, pour votre logiciel. </xsl:text>
    <xsl:text>Commencez par le bordereau (BORDEREAU_…pdf)&#160;: il en donne la liste, les délais et vos engagements. </xsl:text>
    <xsl:text>Un manifeste énumère les fichiers et leurs empreintes, qui permettent d’en vérifier l’intégrité.</xsl:text>
  </xsl:variable>

  <xsl:variable name="devoirs">
    <xsl:text>Ces données servent uniquement à traiter </xsl:text>
    <xsl:choose>
      <xsl:when test="$plusieurs">les demandes et à contacter les familles. </xsl:when>
      <xsl:otherwise>la demande et à contacter la famille. </xsl:otherwise>
    </xsl:choose>
    <xsl:text>Elles sont à conserver </xsl:text>
    <xsl:value-of select="$conservation"/>
    <xsl:text>&#160;mois au plus à compter de leur transmission, puis à détruire&#x202F;; une attestation de destruction, </xsl:text>
    <xsl:text>signée par une personne habilitée, est à adresser à la Caf dans le mois qui suit.</xsl:text>
  </xsl:variable>

  <xsl:variable name="difficulte-avant">
    <xsl:text>Si des fichiers manquent, sont illisibles ou ne concernent pas votre lieu, ou si vous ne pouvez pas les retirer à temps, prévenez </xsl:text>
    <xsl:choose>
      <xsl:when test="$contact">la Caf à l’adresse </xsl:when>
      <xsl:otherwise>votre correspondant à la Caf</xsl:otherwise>
    </xsl:choose>
  </xsl:variable>
  <xsl:variable name="difficulte-apres"
                select="', en rappelant la référence de la remise. Des fichiers perdus ou endommagés peuvent être remis à disposition.'"/>

  <xsl:variable name="qualite">
    <xsl:text>Vous recevez ce message en qualité de personne habilitée</xsl:text>
    <xsl:if test="$partenaire"> pour <xsl:value-of select="$partenaire"/></xsl:if>
    <xsl:if test="$convention"> (convention n°&#160;<xsl:value-of select="$convention"/>)</xsl:if>
    <xsl:text>. Il est envoyé automatiquement et ne contient aucune donnée sur les familles&#160;: si vous y répondez, n’en indiquez pas.</xsl:text>
  </xsl:variable>

  <xsl:template match="/">
    <courriel>
      <objet><xsl:value-of select="$objet"/></objet>
      <texte><xsl:call-template name="texte"/></texte>
      <xsl:call-template name="html"/>
    </courriel>
  </xsl:template>

  <xsl:template name="texte">
    <xsl:text>Bonjour,&#10;&#10;</xsl:text>
    <xsl:value-of select="$annonce"/>
    <xsl:text>&#10;&#10;À retirer&#160;: </xsl:text>
    <xsl:value-of select="concat($echeance, ', ', $compte)"/>
    <xsl:text>&#10;Emplacement&#160;: </xsl:text>
    <xsl:value-of select="$emplacement"/>
    <xsl:text>&#10;Référence de la remise&#160;: </xsl:text>
    <xsl:value-of select="$remise"/>
    <xsl:text>&#10;&#10;CONTENU&#10;</xsl:text>
    <xsl:value-of select="$contenu"/>
    <xsl:text>&#10;&#10;VOS ENGAGEMENTS&#10;</xsl:text>
    <xsl:value-of select="$devoirs"/>
    <xsl:text>&#10;&#10;EN CAS DE DIFFICULTÉ&#10;</xsl:text>
    <xsl:value-of select="concat($difficulte-avant, $contact, $difficulte-apres)"/>
    <!-- Two hyphens and a blank alone on a line: what follows is a signature (RFC 3676). -->
    <xsl:text>&#10;&#10;Cordialement,&#10;La Caf&#10;&#10;-- &#10;</xsl:text>
    <xsl:value-of select="$qualite"/>
    <xsl:text>&#10;</xsl:text>
  </xsl:template>

  <xsl:template name="html">
    <html lang="fr">
      <head>
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title><xsl:value-of select="$objet"/></title>
      </head>
      <!-- Styles inline and few: mail readers drop style sheets. Dark grey on white: contrast 15 to 1. -->
      <body style="margin:0;padding:16px;background:#ffffff;color:#222222;font:16px/1.5 Arial,Helvetica,sans-serif">
        <div style="max-width:40em">
          <h1 style="font-size:20px;line-height:1.3;margin:0 0 16px">
            <xsl:value-of select="concat($demandes, ' à retirer')"/>
          </h1>
          <p>Bonjour,</p>
          <p><xsl:value-of select="$annonce"/></p>
          <table style="border-collapse:collapse;margin:16px 0">
            <xsl:call-template name="ligne">
              <xsl:with-param name="titre">À retirer</xsl:with-param>
              <xsl:with-param name="valeur" select="$echeance"/>
              <xsl:with-param name="precision" select="$compte"/>
            </xsl:call-template>
            <xsl:call-template name="ligne">
              <xsl:with-param name="titre">Emplacement</xsl:with-param>
              <xsl:with-param name="valeur" select="$emplacement"/>
            </xsl:call-template>
            <xsl:call-template name="ligne">
              <xsl:with-param name="titre">Référence de la remise</xsl:with-param>
              <xsl:with-param name="valeur" select="$remise"/>
            </xsl:call-template>
          </table>
          <xsl:call-template name="titre"><xsl:with-param name="texte">Contenu</xsl:with-param></xsl:call-template>
          <p><xsl:value-of select="$contenu"/></p>
          <xsl:call-template name="titre"><xsl:with-param name="texte">Vos engagements</xsl:with-param></xsl:call-template>
          <p><xsl:value-of select="$devoirs"/></p>
          <xsl:call-template name="titre"><xsl:with-param name="texte">En cas de difficulté</xsl:with-param></xsl:call-template>
          <p>
            <xsl:value-of select="$difficulte-avant"/>
            <xsl:if test="$contact">
              <a href="mailto:{$contact}" style="color:#00458b"><xsl:value-of select="$contact"/></a>
            </xsl:if>
            <xsl:value-of select="$difficulte-apres"/>
          </p>
          <p>Cordialement,<br/>La Caf</p>
          <p style="border-top:1px solid #767676;padding-top:8px;font-size:14px;color:#444444">
            <xsl:value-of select="$qualite"/>
          </p>
        </div>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="titre">
    <xsl:param name="texte"/>
    <h2 style="font-size:17px;margin:20px 0 4px"><xsl:value-of select="$texte"/></h2>
  </xsl:template>

  <xsl:template name="ligne">
    <xsl:param name="titre"/>
    <xsl:param name="valeur"/>
    <xsl:param name="precision"/>
    <tr>
      <th scope="row" style="text-align:left;vertical-align:top;padding:4px 16px 4px 0;font-weight:normal;color:#444444">
        <xsl:value-of select="$titre"/>
      </th>
      <td style="padding:4px 0">
        <strong><xsl:value-of select="$valeur"/></strong>
        <xsl:if test="$precision"><br/><xsl:value-of select="$precision"/></xsl:if>
      </td>
    </tr>
  </xsl:template>
</xsl:stylesheet>
