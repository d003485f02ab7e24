#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commerce/stock.h"

namespace millrace::commerce {

// What a caller of the stock API reads; HTTP statuses and JSON bodies, a function of the values alone.
StockAnswer stock_counted(std::string_view sku, const StockItem& item,
                          const std::vector<std::string>& oversold);
StockAnswer stock_reserved(std::string_view id, const Reservation& reservation);
// 409 with the SKUs that are short; `code` says why this was refused.
StockAnswer stock_short(std::string_view id, const std::vector<StockShort>& shorts, std::string_view code);
StockAnswer reservation_status(std::string_view id, ReservationState state);
StockAnswer stock_refused(int status, std::string_view code, std::string_view message, std::string_view hint);

std::string_view to_string(ReservationState state);

}  // namespace millrace::commerce
