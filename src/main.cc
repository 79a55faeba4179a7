#include "cli/cli.h"
#include "storage/s3.h"

int main(int argc, char** argv) {
  const sluice::S3Library s3;
  return sluice::cli::Main(argc, argv);
}
