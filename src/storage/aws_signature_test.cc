#include "storage/aws_signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::sys_days;
using std::chrono::year;

constexpr std::chrono::sys_seconds kNoon = sys_days(year{2026} / 3 / 1) + std::chrono::hours(12);

// The signatures are botocore's.
TEST(AwsSignature, OfAQueryIsThatOfAmazonsOwnTools) {
  const HttpCall call{"GET", "https://glue.eu-central-1.amazonaws.com/iceberg/v1/config?warehouse=123%3As3tablescatalog%2Fb"};
  const HttpFields added = SignForAws(call, {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""}, {"glue", "eu-central-1"}, kNoon);
  const HttpFields expected{{"X-Amz-Date", "20260301T120000Z"},
                            {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-central-1/glue/aws4_request, SignedHeaders=host;x-amz-date, "
                                              "Signature=7a315809ee3accf534084c56738c45a26f8d5586c5460f23a8319c73b59ac7be"}};
  EXPECT_EQ(added, expected);
}

TEST(AwsSignature, OfAnEncodedPathAndABodyIsThatOfAmazonsOwnTools) {
  HttpCall call{"POST", "https://s3tables.us-east-1.amazonaws.com/iceberg/v1/arn%3Aaws%3As3tables%3Aus-east-1%3A1%3Abucket%2Fb/namespaces/a%1Fb/tables"};
  call.body = R"({"a":1})";
  const HttpFields added = SignForAws(call, {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "TOKEN"}, {"s3tables", "us-east-1"}, kNoon);
  ASSERT_EQ(added.size(), 3u);
  EXPECT_EQ(added[1].second, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/us-east-1/s3tables/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, "
                             "Signature=ece25aa9578c122be1ca741a7ddb456675e7b3cade3699df1e462c7823b5fc64");
  EXPECT_EQ(added[2], std::pair(std::string("X-Amz-Security-Token"), std::string("TOKEN")));
}

TEST(AwsSignature, OfARequestToS3IsThatOfAmazonsOwnTools) {
  const HttpCall listing{"GET", "http://127.0.0.1:9000/lake?uploads=&prefix=w%2Fpublic%2Ft%2F"};
  HttpFields added = SignForAws(listing, {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""}, {"s3", "eu-central-1"}, kNoon);
  const HttpFields expected{{"X-Amz-Date", "20260301T120000Z"},
                            {"Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260301/eu-central-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
                                              "Signature=11c735e4c202170f22ec72c763e2b0135f0ccec719f0fec1e4333fbcf1cebfe5"},
                            {"X-Amz-Content-Sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}};
  EXPECT_EQ(added, expected);

  const HttpCall abort{"DELETE", "https://s3.eu-central-1.amazonaws.com/lake/w/p~20q/t%20u/e000001-x.parquet?uploadId=A%2Bb"};
  added = SignForAws(abort, {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "TOKEN"}, {"s3", "eu-central-1"}, kNoon);
  ASSERT_EQ(added.size(), 4u);
  EXPECT_THAT(added[1].second, ::testing::EndsWith("Signature=ccf7016460138a506b70f890f98536e41c46951d685677a55101879b2c829c06"));
}

}  // namespace
}  // namespace sluice
