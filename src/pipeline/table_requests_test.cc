#include "pipeline/table_requests.h"

#include <gtest/gtest.h>

#include "change/table_error.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

using Kind = TableRequest::Kind;
using std::chrono::hours;

const std::chrono::steady_clock::time_point kNow{hours(1000)};

Error Failure(int code, ErrorKind kind = ErrorKind::kNeedsOperator) {
  Error error = About({"public", "t"}, Error{kind, "refused", code});
  error.sink = "replica";
  return error;
}

Kind RemedyOf(TableRequests& requests, const Error& error, Lsn durable, std::chrono::steady_clock::time_point now = kNow) {
  EXPECT_TRUE(requests.AskRemedy(error, durable, now));
  return requests.Pending().back().kind;
}

TEST(TableRequests, ARefusedRowIsLetInOncePerPlaceOfTheLog) {
  TableRequests requests;
  const Error refused = Failure(slu::kReplicaRowRefused);
  EXPECT_EQ(RemedyOf(requests, refused, Lsn{10}), Kind::kLoosen);
  EXPECT_EQ(RemedyOf(requests, refused, Lsn{20}), Kind::kLoosen);
  EXPECT_EQ(RemedyOf(requests, refused, Lsn{20}), Kind::kHold);
}

TEST(TableRequests, AValueThatIsRefusedIsLetInThenCopiedThenHeld) {
  TableRequests requests;
  const Error refused = Failure(slu::kReplicaValueRefused);
  EXPECT_EQ(RemedyOf(requests, refused, Lsn{10}), Kind::kLoosen);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(RemedyOf(requests, refused, Lsn{10}), Kind::kCopyAgain);
  EXPECT_EQ(RemedyOf(requests, refused, Lsn{10}), Kind::kHold);
}

TEST(TableRequests, OtherColumnsDoNotCountAgainstARefusedRow) {
  TableRequests requests;
  EXPECT_EQ(RemedyOf(requests, Failure(slu::kReplicaSchemaChanged), Lsn{10}), Kind::kCopyAgain);
  EXPECT_EQ(RemedyOf(requests, Failure(slu::kReplicaRowRefused), Lsn{10}), Kind::kLoosen);
}

TEST(TableRequests, ATableThatFailsBehindEachCopyIsHeldUntilAnHourLater) {
  TableRequests requests;
  const Error other = Failure(slu::kReplicaSchemaChanged);
  for (uint64_t i = 0; i < 3; ++i) EXPECT_EQ(RemedyOf(requests, other, Lsn{i}), Kind::kCopyAgain);
  EXPECT_EQ(RemedyOf(requests, other, Lsn{9}), Kind::kHold);
  EXPECT_EQ(RemedyOf(requests, other, Lsn{9}, kNow + hours(2)), Kind::kCopyAgain);
}

TEST(TableRequests, WhatPassesByItselfOrIsOfNoTableHasNoRemedy) {
  TableRequests requests;
  EXPECT_FALSE(requests.AskRemedy(Failure(0, ErrorKind::kUnavailable), Lsn{1}, kNow));
  EXPECT_FALSE(requests.AskRemedy(Error{ErrorKind::kNeedsOperator, "the disk is full"}, Lsn{1}, kNow));
  EXPECT_FALSE(requests.pending());
}

}  // namespace
}  // namespace sluice
