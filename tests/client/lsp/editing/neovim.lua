-- What a user of Neovim does with a spec, through the editor's own functions; prints what came of it.
-- The settings are those of docs/editors.md, which Neovim has read before.
local function wait(what, condition)
  if not vim.wait(30000, condition, 10) then
    error("waited in vain for " .. what)
  end
end

local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
end

local function at(words, inside)
  local before = text():sub(1, text():find(words, 1, true) - 1 + (inside or 0))
  local _, lines = before:gsub("\n", "")
  vim.api.nvim_win_set_cursor(0, { lines + 1, #before:match("[^\n]*$") })
end

local function codes()
  return vim.tbl_map(function(item) return item.code end, vim.diagnostic.get(0))
end

local function ask(method, more)
  local client = vim.lsp.get_clients({ bufnr = 0 })[1]
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local answer = assert(client:request_sync(method, vim.tbl_extend("force", params, more or {}), 10000, 0))
  return answer.result
end

local told = {}
vim.cmd.edit("life.yaml")
wait("diagnostics", function() return #codes() > 0 end)
told.client = vim.lsp.get_clients({ bufnr = 0 })[1].name
told.found = vim.tbl_map(function(item)
  return { code = item.code, line = item.lnum + 1, marked = vim.api.nvim_buf_get_text(0, item.lnum, item.col, item.end_lnum, item.end_col, {})[1], message = item.message }
end, vim.diagnostic.get(0))

at("quizz")
vim.lsp.buf.code_action({ apply = true, filter = function(action) return action.kind == "quickfix" end })
wait("the quick fix", function() return not text():find("quizz", 1, true) end)
wait("diagnostics of the mended text", function() return not vim.tbl_contains(codes(), "TW2022") end)
told.mended = vim.api.nvim_get_current_line()

at("sft, data", 0)
told.offered = vim.tbl_map(function(item) return item.label end, ask("textDocument/completion").items)
at("tuner", 1)
told.hover = ask("textDocument/hover").contents.value

at("exam:")
vim.lsp.buf.rename("check")
wait("the new name", function() return text():find("check.quiz.exact", 1, true) ~= nil end)
told.renamed = { text():find("mean(check.*.exact)", 1, true) ~= nil, text():find("exam", 1, true) ~= nil }

at("check.quiz.exact")
vim.lsp.buf.definition()
wait("the definition", function() return vim.api.nvim_get_current_line():find("check:", 1, true) ~= nil end)

vim.api.nvim_buf_set_lines(0, -1, -1, false, { "  last: {approve: {role: risk}}   ", "", "" })
vim.lsp.buf.format({ timeout_ms = 10000 })
told.formatted = vim.api.nvim_buf_get_lines(0, -2, -1, false)[1]

vim.api.nvim_buf_set_lines(0, -1, -1, false, { "  broken: {train:" })
wait("a finding in the broken text", function()
  return vim.iter(codes()):any(function(code) return code:sub(1, 3) == "TW0" end)
end)
told.symbols = vim.tbl_map(function(item) return item.name end, ask("textDocument/documentSymbol"))

local client = vim.lsp.get_clients({ bufnr = 0 })[1]
client:stop()
wait("the server's end", function() return client:is_stopped() end)
told.errors = vim.v.errmsg
io.stdout:write(vim.json.encode(told) .. "\n")
