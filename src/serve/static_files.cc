#include "serve/static_files.h"

#include <algorithm>

namespace millrace::serve {

namespace {

constexpr std::string_view kWithoutDashboard = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Millrace</title></head>
<body><h1>Millrace is running</h1>
<p>This binary was built without its dashboard. Build it with
<code>npm ci &amp;&amp; npm run build</code> in <code>web/dashboard</code>, then build the binary again.</p>
<p>The API is described at <a href="/openapi.json">/openapi.json</a>; figures are at
<a href="/metrics">/metrics</a>.</p>
</body></html>
)";

// Scripts only from files of ours; styles may be set inline, as charts do for their labels.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri "
    "'none'; "
    "form-action 'none'; frame-ancestors 'none'";

void add_security_headers(http::Response& response) {
  response.headers.emplace_back("Content-Security-Policy", kContentSecurityPolicy);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
}

bool contains_token(std::string_view list, std::string_view token) {
  return list.find(token) != std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether a list of codings takes gzip (RFC 9110, 12.5.3): "br, gzip;q=0.5", "*"; not "gzip;q=0", nor "*, gzip;q=0.000".
bool takes_gzip(std::string_view list) {
  bool any = false;
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view coding = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    const auto semicolon = coding.find(';');
    std::string_view weight =
        semicolon == std::string_view::npos ? std::string_view() : trimmed(coding.substr(semicolon + 1));
    coding = trimmed(coding.substr(0, semicolon));
    const bool is_none = weight.size() > 2 && (weight[0] | 0x20) == 'q' && weight[1] == '=' &&
                         trimmed(weight.substr(2)).find_first_not_of("0.") == std::string_view::npos;
    if (http::equals_ignoring_case(coding, "gzip") || http::equals_ignoring_case(coding, "x-gzip"))
      return !is_none;
    if (coding == "*") any = !is_none;
  }
  return any;
}

// Vite puts a hash of the content into the names below /assets/.
bool never_changes(std::string_view path) { return path.starts_with("/assets/"); }

// Lies in shops' pages, on other origins than ours: they keep it for an hour, and for a day while they ask for a newer one.
constexpr std::string_view kTag = "/millrace.js";

std::string_view caching(std::string_view path) {
  if (never_changes(path)) return "public, max-age=31536000, immutable";
  return path == kTag ? "public, max-age=3600, stale-while-revalidate=86400" : "no-cache";
}

http::Response file_response(const http::Request& request, const EmbeddedFile& file) {
  http::Response response;
  response.content_type = content_type(file.path);
  response.headers.emplace_back("ETag", file.etag);
  response.headers.emplace_back("Cache-Control", caching(file.path));
  if (file.path == kTag) {
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    response.headers.emplace_back("Cross-Origin-Resource-Policy", "cross-origin");
  }
  add_security_headers(response);
  if (!file.gzip.empty()) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (contains_token(request.header("If-None-Match"), file.etag)) {
    response.status = 304;
    return response;
  }
  if (!file.gzip.empty() && takes_gzip(request.header("Accept-Encoding"))) {
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.body = file.gzip;
  } else {
    response.body = file.bytes;
  }
  return response;
}

}  // namespace

std::string_view content_type(std::string_view path) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
      {".webmanifest", "application/manifest+json"},
  };
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

void add_static_files(http::Router& router) { add_static_files(router, embedded_files()); }

void add_static_files(http::Router& router, std::span<const EmbeddedFile> files) {
  bool dashboard = false;
  for (const EmbeddedFile& file : files) {
    const auto route = [&file](const http::Request& request, http::Responder responder) {
      std::move(responder).send(file_response(request, file));
    };
    router.add(http::Method::get, file.path, route);
    if (file.path == "/index.html") {
      router.add(http::Method::get, "/", route);
      dashboard = true;
    }
  }
  if (dashboard) return;
  router.add(http::Method::get, "/", [](const http::Request&, http::Responder responder) {
    http::Response response;
    response.content_type = "text/html; charset=utf-8";
    response.body = kWithoutDashboard;
    add_security_headers(response);
    std::move(responder).send(std::move(response));
  });
}

}  // namespace millrace::serve
