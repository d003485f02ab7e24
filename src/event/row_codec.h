#pragma once

#include <string>

#include "base/bytes.h"
#include "event/row.h"

namespace millrace::event {

// Part of the fact encoding; a function of the values alone. The readers return false for bytes cut off or an enumerator
// out of range.
void write_session(const SessionRow& row, base::ByteWriter& writer);
bool read_session(base::ByteReader& reader, SessionRow& row);
void write_order(const OrderRow& row, base::ByteWriter& writer);
bool read_order(base::ByteReader& reader, OrderRow& row);

void write_currency(const Currency& currency, base::ByteWriter& writer);
Currency read_currency(base::ByteReader& reader);

}  // namespace millrace::event
