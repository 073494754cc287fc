// What a mail that carries a remise says to its reader (xslt/remise.xsl).
#pragma once

#include <functional>
#include <string>

#include "channels/courriel_message.h"

namespace navette::stages {

// Loads the stylesheet; throws Error when it cannot. What it returns may be called by several threads.
std::function<channels::CourrielText(const channels::RemiseToSend&, model::Protection)> courriel_texts(
    const std::string& stylesheet);

}  // namespace navette::stages
