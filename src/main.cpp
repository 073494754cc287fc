#include "cli/main.h"

int main(int argc, char** argv) {
  return navette::cli::run(argc, argv);
}
