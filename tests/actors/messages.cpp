#define CAF_SUITE actors.messages
#include "actors/messages.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include "tests/support/actors/fixture.hpp"

using namespace stip;
using namespace stip::test;

namespace {

struct fixture : actor_fixture {
  std::vector<char> bytes_of(const parcel& p) {
    std::vector<char> bytes;
    caf::binary_serializer sink{sys, bytes};
    CAF_REQUIRE(!sink(p));
    return bytes;
  }
  bool read(const std::vector<char>& bytes, parcel& p) {
    caf::binary_deserializer source{sys, bytes.data(), bytes.size()};
    return !source(p);
  }
};

}  // namespace

CAF_TEST_FIXTURE_SCOPE(messages_tests, fixture)

CAF_TEST(a parcel brings its tombstones and one with others that are none is refused) {
  parcel sent;
  sent.number = 7;
  sent.content = image_message(sample_key(1), 5);
  for (size_t key = 2; key < 5; ++key)
    sent.content.tombstones.push_back({sample_key(key), sample_version(9)});
  const auto bytes = bytes_of(sent);
  parcel received;
  CAF_REQUIRE(read(bytes, received));
  CAF_CHECK_EQUAL(received.number, sent.number);
  CAF_REQUIRE_EQUAL(received.content.parts.size(), sent.content.parts.size());
  CAF_CHECK(received.content.parts[0].records == sent.content.parts[0].records);
  CAF_CHECK(received.content.tombstones == sent.content.tombstones);
  // The last byte is the node of the last version: what stands before it, cut off, is no parcel.
  auto cut = bytes;
  cut.pop_back();
  CAF_CHECK(!read(cut, received));
  // The form of the tombstones begins with its version; another is refused.
  const auto form = encode(sent.content.tombstones);
  auto damaged = bytes;
  damaged[damaged.size() - form.size()] = 9;
  CAF_CHECK(!read(damaged, received));
}

CAF_TEST_FIXTURE_SCOPE_END()
