// Uploads every file of a directory as SftpSender does: temporary name, fsync, size check, rename, many in flight.
//   sftp_upload PORT USER KEY FINGERPRINT FROM TO
// Measured by bench/run against `sftp -b`, lftp and rclone; no part of the product.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>

#include "base/directory.h"
#include "lib/ssh/sftp.h"

namespace {

using namespace navette;

class File final : public ssh::Source {
 public:
  explicit File(const std::filesystem::path& path)
      : fd_(Directory::open(path.parent_path()).open_file(path.filename().string(), O_RDONLY)) {}
  std::size_t read(char* buffer, std::size_t size) override { return read_some(fd_.get(), buffer, size); }
  bool intact() override { return true; }

 private:
  UniqueFd fd_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) return 2;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  ssh::Server server;
  server.host = "127.0.0.1";
  server.port = static_cast<std::uint16_t>(std::stoi(arguments[0]));
  server.user = arguments[1];
  std::ifstream key(arguments[2]);
  server.key.assign(std::istreambuf_iterator<char>(key), {});
  server.fingerprint = arguments[3];
  try {
    ssh::Sftp sftp(ssh::Session(server, std::chrono::seconds(30)));
    std::vector<ssh::Upload> uploads;
    for (const auto& entry : std::filesystem::directory_iterator(arguments[4])) {
      const std::string path = arguments[5] + "/" + entry.path().filename().string();
      uploads.push_back(
          {path, path + ".part", entry.file_size(), [from = entry.path()] { return std::make_unique<File>(from); }});
    }
    ssh::UploadReport report;
    sftp.upload(uploads, {}, report);
    if (!report.failure) return 0;
    std::fprintf(stderr, "%s\n", report.failure->what.c_str());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
  }
  return 1;
}
