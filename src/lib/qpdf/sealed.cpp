#include "lib/qpdf/sealed.h"

#include <memory>

#define POINTERHOLDER_TRANSITION 4  // std::shared_ptr, the only one that later versions know
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFEFStreamObjectHelper.hh>
#include <qpdf/QPDFEmbeddedFileDocumentHelper.hh>
#include <qpdf/QPDFFileSpecObjectHelper.hh>
#include <qpdf/QPDFPageDocumentHelper.hh>
#include <qpdf/QPDFPageObjectHelper.hh>
#include <qpdf/QPDFWriter.hh>

#include "base/error.h"

namespace navette::qpdf {
namespace {

using Object = QPDFObjectHandle;

// Opens the document, and gives its first page.
Object add_pages(QPDF& all, QPDF& source) {
  QPDFPageDocumentHelper target(all);
  const std::size_t before = target.getAllPages().size();
  for (QPDFPageObjectHelper& page : QPDFPageDocumentHelper(source).getAllPages()) {
    page.getObjectHandle().removeKey("/StructParents");  // what they point to stays behind
    page.getObjectHandle().removeKey("/Annots");         // the signature's field alone: it does not hold for the whole
    target.addPage(page, false);
  }
  const auto pages = target.getAllPages();
  if (pages.size() == before) throw Error("a PDF without a page");
  return pages[before].getObjectHandle();
}

void attach(QPDF& all, const Enclosed& part) {
  auto stream = QPDFEFStreamObjectHelper::createEFStream(all, part.bytes);
  stream.setSubtype(part.type);
  QPDFEmbeddedFileDocumentHelper(all).replaceEmbeddedFile(
      part.name, QPDFFileSpecObjectHelper::createFileSpec(all, part.name, stream));
}

void add_bookmarks(QPDF& all, const std::vector<std::pair<std::string, Object>>& marks) {
  if (marks.empty()) return;
  Object root = all.makeIndirectObject(Object::newDictionary());
  std::vector<Object> items;
  for (const auto& [title, page] : marks) {
    Object item = all.makeIndirectObject(Object::newDictionary());
    item.replaceKey("/Title", Object::newUnicodeString(title));
    item.replaceKey("/Parent", root);
    item.replaceKey("/Dest", Object::newArray({page, Object::newName("/Fit")}));
    if (!items.empty()) {
      item.replaceKey("/Prev", items.back());
      items.back().replaceKey("/Next", item);
    }
    items.push_back(item);
  }
  root.replaceKey("/First", items.front());
  root.replaceKey("/Last", items.back());
  root.replaceKey("/Count", Object::newInteger(static_cast<long long>(items.size())));
  all.getRoot().replaceKey("/Outlines", root);
}

void describe(QPDF& all, const std::string& title) {
  Object info = Object::newDictionary();
  info.replaceKey("/Title", Object::newUnicodeString(title));
  all.getTrailer().replaceKey("/Info", all.makeIndirectObject(info));
  Object preferences = Object::newDictionary();
  preferences.replaceKey("/DisplayDocTitle", Object::newBool(true));
  Object root = all.getRoot();
  root.replaceKey("/ViewerPreferences", preferences);
  root.replaceKey("/Lang", Object::newString("fr-FR"));
  // A reader who sees no attachments does not know that there are some.
  root.replaceKey("/PageMode", Object::newName("/UseAttachments"));
}

std::string write(QPDF& all, const std::string& password) {
  QPDFWriter writer(all);
  writer.setOutputMemory();
  writer.setObjectStreamMode(qpdf_o_generate);
  // The owner's password is the user's: whoever opens it may do everything with it.
  writer.setR6EncryptionParameters(password.c_str(), password.c_str(), true, true, true, true, true, true,
                                   qpdf_r3p_full, true);
  writer.write();
  const auto buffer = writer.getBufferSharedPointer();
  return {buffer->getBuffer(), buffer->getBuffer() + buffer->getSize()};
}

}  // namespace

std::string seal(const std::vector<Enclosed>& parts, const std::string& title, const std::string& password) {
  try {
    std::vector<std::unique_ptr<QPDF>> sources;  // their streams are read when the whole is written
    QPDF all;
    all.emptyPDF();
    std::vector<std::pair<std::string, Object>> marks;
    for (const Enclosed& part : parts) {
      if (part.pages) {
        sources.push_back(std::make_unique<QPDF>());
        sources.back()->setSuppressWarnings(true);
        sources.back()->processMemoryFile(part.name.c_str(), part.bytes.data(), part.bytes.size());
        marks.emplace_back(part.name.substr(0, part.name.rfind('.')), add_pages(all, *sources.back()));
      }
      attach(all, part);
    }
    add_bookmarks(all, marks);
    describe(all, title);
    return write(all, password);
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw Error(std::string("PDF: ") + e.what());
  }
}

}  // namespace navette::qpdf
