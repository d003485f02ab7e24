#include "app/certificate_watch.h"

#include <sys/stat.h>

#include <vector>

#include "http/tls_fixture.h"
#include "serve/test_clock.h"

using namespace millrace;
using namespace millrace::app;

TEST_CASE("changed files are read within a second, once, and bad ones leave the old in use") {
  http::TlsDirectory directory;
  directory.make("cert.pem", "key.pem", 1);
  auto identity = http::TlsIdentity::load({directory.file("cert.pem"), directory.file("key.pem")});
  REQUIRE(identity);
  serve::TestClock clock;
  std::vector<bool> heard;
  CertificateWatch watch(*identity, clock, [&](const base::Status& done) { heard.push_back(done.ok()); });
  const auto seconds_pass = [&](int seconds) {
    for (int i = 0; i < seconds * 5; ++i) {
      clock.advance_ms(200);
      watch.tick();
    }
  };
  seconds_pass(3);
  CHECK(heard.empty());
  // In another file of the same name, as what renews certificates leaves it.
  directory.make("cert.new", "key.new", 2);
  std::filesystem::rename(directory.file("cert.new"), directory.file("cert.pem"));
  seconds_pass(3);
  CHECK(heard == std::vector<bool>{false});  // The key is not there yet.
  std::filesystem::rename(directory.file("key.new"), directory.file("key.pem"));
  seconds_pass(3);
  CHECK(heard == std::vector<bool>{false, true});
  watch.ask();
  watch.tick();
  CHECK(heard == std::vector<bool>{false, true, true});
  std::filesystem::remove(directory.file("key.pem"));
  seconds_pass(3);
  CHECK(heard == std::vector<bool>{false, true, true, false});
}
