#pragma once

#include <span>
#include <string_view>

#include "http/http.h"

namespace millrace::serve {

// A file that was built into the binary.
struct EmbeddedFile {
  std::string_view path;  // As it is asked for: "/assets/index-4f1c.js".
  std::string_view bytes;
  std::string_view gzip;  // Empty when compression gains nothing.
  std::string_view etag;  // Quoted.
};

// What cmake/embed.cmake generated: openapi.json, and the dashboard when it had been built.
std::span<const EmbeddedFile> embedded_files();

// A path for each file, "/" for the dashboard; a page that says how to build it when it is not there.
void add_static_files(http::Router& router);
void add_static_files(http::Router& router, std::span<const EmbeddedFile> files);

std::string_view content_type(std::string_view path);

}  // namespace millrace::serve
