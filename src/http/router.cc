#include <algorithm>

#include "http/http.h"

namespace millrace::http {

namespace {

bool is_placeholder(std::string_view segment) { return segment.size() > 2 && segment.front() == '{'; }
bool takes_the_rest(std::string_view segment) { return segment.ends_with("...}"); }

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

// The path as it stands in the target, so that an escaped '/' does not split a segment. Requests made by hand may have
// only `path`.
std::string_view undecoded_path(const Request& request) {
  std::string_view target = request.target;
  if (target.empty() || target.front() != '/') return request.path;
  return target.substr(0, target.find_first_of("?#"));
}

bool match(const std::vector<std::string>& pattern, const std::vector<std::string_view>& segments,
           std::vector<std::string>& parameters) {
  parameters.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (takes_the_rest(pattern[i])) {
      auto& rest = parameters.emplace_back();
      for (std::size_t j = i; j < segments.size(); ++j) {
        if (j > i) rest += '/';
        if (!percent_decode(segments[j], Plus::literal, rest)) return false;
      }
      return true;
    }
    if (i >= segments.size()) return false;
    std::string decoded;
    if (!percent_decode(segments[i], Plus::literal, decoded)) return false;
    if (is_placeholder(pattern[i])) {
      if (decoded.empty()) return false;
      parameters.push_back(std::move(decoded));
    } else if (decoded != pattern[i]) {
      return false;
    }
  }
  return pattern.size() == segments.size();
}

bool serves(Method route, Method asked) {
  return route == asked || (route == Method::get && asked == Method::head);
}

void refuse(const Request& request, std::vector<Method> allowed, Responder responder) {
  if (allowed.empty()) {
    std::move(responder).send(error_response(404, "unknown_path", "There is nothing at " + request.path + ".",
                                             "See /openapi.json for what is served."));
    return;
  }
  std::sort(allowed.begin(), allowed.end());
  allowed.erase(std::unique(allowed.begin(), allowed.end()), allowed.end());
  std::string names;
  for (const Method method : allowed) {
    if (!names.empty()) names += ", ";
    names += to_string(method);
    if (method == Method::get) names += ", HEAD";
  }
  auto response = error_response(405, "method_not_allowed", request.path + " does not take this method.",
                                 "Use " + names + ".");
  response.headers.emplace_back("Allow", std::move(names));
  std::move(responder).send(std::move(response));
}

}  // namespace

void Router::add(Method method, std::string_view pattern, Route route) {
  std::vector<std::string> segments;
  for (const std::string_view segment : split(pattern)) segments.emplace_back(segment);
  if (std::none_of(segments.begin(), segments.end(), [](const auto& s) { return is_placeholder(s); })) {
    exact_[std::string(pattern)].emplace_back(method, std::move(route));
    return;
  }
  entries_.push_back({method, std::string(pattern), std::move(segments), std::move(route)});
}

void Router::wrap(const std::function<Route(Method, std::string_view, Route)>& wrap) {
  for (auto& [pattern, routes] : exact_) {
    for (auto& [method, route] : routes) route = wrap(method, pattern, std::move(route));
  }
  for (Entry& entry : entries_) entry.route = wrap(entry.method, entry.pattern, std::move(entry.route));
}

const Route* Router::exact(const Request& request) const {
  const auto found = exact_.find(std::string_view(request.path));
  if (found == exact_.end()) return nullptr;
  for (const auto& [method, route] : found->second) {
    if (serves(method, request.method)) return &route;
  }
  return nullptr;
}

void Router::dispatch(Request& request, Responder responder) const {
  request.parameters.clear();
  if (const Route* route = exact(request)) {
    (*route)(request, std::move(responder));
    return;
  }
  std::vector<Method> allowed;
  if (const auto found = exact_.find(std::string_view(request.path)); found != exact_.end()) {
    for (const auto& [method, route] : found->second) allowed.push_back(method);
  }
  const auto segments = split(undecoded_path(request));
  for (const Entry& entry : entries_) {
    if (!match(entry.segments, segments, request.parameters)) continue;
    if (serves(entry.method, request.method)) {
      entry.route(request, std::move(responder));
      return;
    }
    allowed.push_back(entry.method);
  }
  request.parameters.clear();
  refuse(request, std::move(allowed), std::move(responder));
}

}  // namespace millrace::http
