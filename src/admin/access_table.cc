#include "admin/access_table.h"

namespace millrace::admin {

namespace {

using enum http::Method;

constexpr AccessRow kTable[] = {
    {get, "/healthz", Access::health},
    {get, "/readyz", Access::health},
    {get, "/metrics", Access::metrics},

    // What a shop's pages and its checkout ask.
    {get, "/v1/recommendations", Access::open},
    {get, "/v1/trending", Access::open},
    {get, "/v1/offers", Access::open},
    {get, "/v1/id", Access::open},
    {post, "/v1/id", Access::open},
    {del, "/v1/id", Access::open},
    {options, "/v1/id", Access::open},
    {post, "/v1/stock/reservations", Access::write_key},
    {post, "/v1/stock/reservations/{id}/commit", Access::write_key},
    {del, "/v1/stock/reservations/{id}", Access::write_key},

    // Figures.
    {get, "/v1/products", Access::viewer},
    {get, "/v1/products/{sku}", Access::viewer},
    {get, "/v1/sessions", Access::viewer},
    {get, "/v1/funnel", Access::viewer},
    {get, "/v1/ledger", Access::viewer},
    {get, "/v1/live", Access::viewer},
    {get, "/v1/actions", Access::viewer},
    {get, "/v1/lake", Access::viewer},
    {get, "/v1/status", Access::viewer},
    {get, "/v1/sources", Access::viewer},
    {get, "/v1/contracts", Access::viewer},
    {get, "/v1/contracts/schemas/{vendor}/{name}/{format}/{version}", Access::viewer},
    {get, "/api/schemas/{vendor}/{name}/{format}/{version}", Access::viewer},
    {get, "/v1/contracts/modes", Access::viewer},
    {get, "/v1/contracts/alerts", Access::viewer},
    {get, "/v1/contracts/rules", Access::viewer},

    // Single events, and what can be asked of all of them.
    {get, "/v1/visitors/{id}", Access::analyst},
    {get, "/v1/events/recent", Access::analyst},
    {get, "/v1/events/stream", Access::analyst},
    {post, "/v1/sql", Access::analyst},
    {get, "/iceberg/{path...}", Access::analyst},
    {post, "/iceberg/{path...}", Access::analyst},
    {del, "/iceberg/{path...}", Access::analyst},
    {post, "/v1/contracts/schemas/{vendor}/{name}/{format}/{version}/check", Access::analyst},
    {get, "/v1/contracts/violations", Access::analyst},
    {get, "/v1/contracts/proposals", Access::analyst},
    {get, "/v1/quarantine", Access::analyst},
    {get, "/v1/quarantine/{partition}/{offset}", Access::analyst},
    {get, "/v1/privacy/suppressions", Access::analyst},

    // Changes to how the shop runs.
    {put, "/v1/contracts/schemas/{vendor}/{name}/{format}/{version}", Access::operator_, "contract.put"},
    {del, "/v1/contracts/schemas/{vendor}/{name}/{format}/{version}", Access::operator_, "contract.delete"},
    {put, "/v1/contracts/modes", Access::operator_, "contract.modes"},
    {post, "/v1/contracts/proposals/{name}/accept", Access::operator_, "contract.accept"},
    {post, "/v1/contracts/proposals/{name}/ignore", Access::operator_, "contract.ignore"},
    {put, "/v1/contracts/rules", Access::operator_, "contract.rules"},
    {post, "/v1/quarantine/replay", Access::operator_, "quarantine.replay"},
    {put, "/v1/quarantine/{partition}/{offset}/state", Access::operator_, "quarantine.mark"},
    {put, "/v1/privacy/suppressions/{id}", Access::operator_, "suppression.put", Recorded::pattern},
    {del, "/v1/privacy/suppressions/{id}", Access::operator_, "suppression.delete", Recorded::pattern},
    {del, "/v1/privacy/persons/{id}", Access::operator_, "person.erase", Recorded::pattern},
    {put, "/v1/stock/{sku}", Access::operator_, "stock.put", Recorded::path_if_known},
    {post, "/v1/clock", Access::operator_, "clock.advance"},

    // What was sealed is a person's.
    {post, "/v1/vault/open", Access::admin, "vault.open"},
    {get, "/v1/vault/openings", Access::admin},

    // Who may do all that. These write to the audit log themselves.
    {get, "/v1/admin/session", Access::open},
    {post, "/v1/admin/session", Access::open},
    {del, "/v1/admin/session", Access::open},
    {get, "/v1/admin/tokens", Access::admin},
    {post, "/v1/admin/tokens", Access::admin},
    {del, "/v1/admin/tokens/{id}", Access::admin},
    {get, "/v1/admin/keys", Access::admin},
    {post, "/v1/admin/keys", Access::admin},
    {put, "/v1/admin/keys/{id}", Access::admin},
    {post, "/v1/admin/keys/{id}/rotate", Access::admin},
    {del, "/v1/admin/keys/{id}", Access::admin},
    {get, "/v1/admin/audit", Access::admin},
};

}  // namespace

std::span<const AccessRow> access_table() { return kTable; }

const AccessRow* find_access(http::Method method, std::string_view pattern) {
  for (const AccessRow& row : kTable) {
    if (row.method == method && row.pattern == pattern) return &row;
  }
  return nullptr;
}

Role role_for(Access access) {
  switch (access) {
    case Access::viewer: return Role::viewer;
    case Access::analyst: return Role::analyst;
    case Access::operator_: return Role::operator_;
    case Access::admin: return Role::admin;
    default: return Role::none;
  }
}

}  // namespace millrace::admin
