# crawlers(TARGET)
#
# Compiles the user agents of web/bots (an npm package, pinned by its lock file; ./dev setup installs it) into TARGET. Without them the list is
# empty, and the server says so when it starts.
function(crawlers TARGET)
  set(list ${CMAKE_SOURCE_DIR}/web/bots/node_modules/crawler-user-agents/crawler-user-agents.json)
  set(out ${CMAKE_BINARY_DIR}/embed/crawler_table.cc)
  set(inputs ${CMAKE_SOURCE_DIR}/scripts/make_crawler_table.py)
  if(EXISTS ${list})
    list(APPEND inputs ${list})
  else()
    message(WARNING "web/bots has no node modules: built without the list of bots' user agents. ./dev setup installs it.")
  endif()
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/embed
    COMMAND python3 ${CMAKE_SOURCE_DIR}/scripts/make_crawler_table.py ${list} ${out}
    DEPENDS ${inputs}
    COMMENT "Listing the user agents of bots")
  target_sources(${TARGET} PRIVATE ${out})
endfunction()
