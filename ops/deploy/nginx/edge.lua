-- edge - checks the rights in media addresses inside nginx, without asking anybody.
--
--     /media/{token}/{video}/{version}/{file}         token = 1.{kid}.{class}.{expires}.{mac}
--     mac = HMAC-SHA256(key kid, "kinobus media 1\n{kid}\n{class}\n{expires}\n{video}\n{version}\n"), base64url, no padding
--
-- What it takes for that, the keys and which videos' addresses were taken back, one worker asks a front for each second
-- (GET /edge/rights) and leaves in shared memory; each worker reads it when it has changed. A right that was good is
-- remembered, so that a viewer costs one HMAC and not one a segment; its end, and whether it was taken back, is looked at
-- each time.
--
-- Weak spot: an edge that reaches no front goes on with what it heard last, until the rights end at their hour.
local ffi = require "ffi"
local cjson = require "cjson.safe"
local lrucache = require "resty.lrucache"

ffi.cdef [[
typedef struct evp_md_st EVP_MD;
const EVP_MD *EVP_sha256(void);
unsigned char *HMAC(const EVP_MD *md, const void *key, int key_len, const unsigned char *data, size_t len,
                    unsigned char *out, unsigned int *out_len);
int CRYPTO_memcmp(const void *a, const void *b, size_t len);
]]

local POLL_S = 1                -- between two questions
local FIRST_POLL_S = 0.1        -- as long as nothing is known
local TIMEOUT_MS = 2000         -- of one question
local REMEMBERED = 20000        -- rights, in each worker
local KEPT_MOST_S = 31536000

local edge = {}
local told = { generation = 0 } -- what this worker has read: keys by kid, newest kid, open, all, friends
local seen = lrucache.new(REMEMBERED)
local mac, mac_len = ffi.new("unsigned char[32]"), ffi.new("unsigned int[1]")
local options

-- In init_by_lua: fronts = { "ADDRESS:PORT", ... } are asked in turn until one answers; key = the file that holds
-- front.edge_secret, as nginx includes it.
function edge.open(given)
    local file = assert(io.open(given.key, "r"))
    local secret = file:read("*a"):match('default%s+"?(%w+)"?')
    file:close()
    assert(secret, given.key .. ": there is no secret in it")
    options = { fronts = given.fronts, secret = secret, notify = os.getenv("NOTIFY_SOCKET"), front = 1 }
end

-- ---- rights

local function read_told(text, generation)
    local said = cjson.decode(text)
    local new = { generation = generation, keys = {}, newest = -1, open = {}, all = {}, closed = {}, limited = {}, friends = {} }
    for _, key in ipairs(said.keys) do
        new.keys[key.kid] = key.key:gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end)
        new.newest = math.max(new.newest, key.kid)
    end
    for _, video in ipairs(said.open) do
        new.open[video] = true
    end
    for _, video in ipairs(said.all) do
        new.all[video] = true
    end
    for _, kind in ipairs({ "closed", "limited" }) do
        for _, video in ipairs(said[kind] or {}) do -- a front of before does not say it
            new[kind][video] = true
        end
    end
    for _, origin in ipairs(said.origins) do
        new.friends[origin], new.has_friends = true, true
    end
    return new
end

-- What is known now; nil: nothing yet.
local function current()
    local generation = ngx.shared.kinobus_rights:get("generation")
    if generation ~= told.generation then
        if not generation then
            return nil
        end
        local text = ngx.shared.kinobus_rights:get("text")
        if not text then
            return nil
        end
        told = read_told(text, generation)
        seen:flush_all() -- a key may be gone
    end
    return told
end

local function base64url(bytes)
    return (ngx.encode_base64(bytes, true):gsub("[+/]", { ["+"] = "-", ["/"] = "_" }))
end

-- Digits without a zero in front, at most 12.
local function number(text)
    if #text <= 12 and (#text == 1 or text:byte(1) ~= 48) then
        return tonumber(text)
    end
end

-- right: "TOKEN/VIDEO/VERSION". What it grants; false: nothing; nil: by a key that is newer than what is known here.
local function verify(right, known)
    local kid, class, expires, sent, video, version =
        right:match("^1%.(%d+)%.([a-z0-9]+)%.(%d+)%.([%w_-]+)/(video_%w+)/(%d+)$")
    if not kid or not number(kid) or not number(expires) or #class > 16 or #sent ~= 43 or
        (#version > 1 and version:byte(1) == 48) then
        return false
    end
    local key = known.keys[number(kid)]
    if not key then
        if number(kid) == known.newest + 1 then -- they are counted up
            return nil
        end
        return false
    end
    local text = "kinobus media 1\n" .. kid .. "\n" .. class .. "\n" .. expires .. "\n" .. video .. "\n" .. version .. "\n"
    ffi.C.HMAC(ffi.C.EVP_sha256(), key, #key, text, #text, mac, mac_len)
    if ffi.C.CRYPTO_memcmp(base64url(ffi.string(mac, 32)), sent, 43) ~= 0 then
        return false
    end
    local open, some = class:sub(1, 4) == "open", class:sub(1, 4) == "some"
    return { video = video, open = open, shared = open or some, pictures = class:sub(-3) == "img", expires = number(expires) }
end

-- Seconds that the right to a file lasts; nil: it is none; false: only the front can tell.
local function lasts(right, file)
    local known = current()
    if not known then
        return false
    end
    local grant = seen:get(right)
    if not grant then
        grant = verify(right, known)
        if grant == nil then
            return false
        end
        if not grant then
            return nil
        end
        seen:set(right, grant)
    end
    if known.all[grant.video] or (grant.shared and known.open[grant.video]) then
        return nil
    end
    if grant.pictures then
        if file:sub(1, 4) ~= "img/" then
            return nil
        end
    elseif (grant.shared and known.closed[grant.video]) or (grant.open and known.limited[grant.video]) then
        return nil
    end
    local left = grant.expires - ngx.now()
    return left > 0 and left or nil
end

-- ---- requests

-- Ranges that nginx reads as the front does: one, and well formed.
local function plain_range(range)
    local first, last = range:match("^bytes=(%d+)%-(%d*)$")
    if first then
        return #first < 16 and #last < 16 and (last == "" or tonumber(first) <= tonumber(last))
    end
    local suffix = range:match("^bytes=%-(%d+)$")
    return suffix and #suffix < 16 and tonumber(suffix) > 0
end

local function is_text(file)
    local ending = file:match("[^.]*$")
    return ending == "m3u8" or ending == "mpd" or ending == "vtt"
end

local function plain(var)
    local method = ngx.req.get_method()
    local range = var.http_range
    if var.http_if_match or var.http_if_unmodified_since or (method ~= "GET" and method ~= "HEAD") then
        return false
    end
    return not range or (method == "GET" and plain_range(range) and
                         not (is_text(var.kinobus_file) and (var.http_accept_encoding or ""):find("gzip", 1, true)))
end

-- Left to the front: the playlists that are replaced while a video grows, and files to be kept, which it makes, and which not
-- every right is good for.
local growing = { ["event.m3u8"] = true, ["preview.m3u8"] = true, ["event-2.m3u8"] = true, ["preview-2.m3u8"] = true }

local function fronts_own(file)
    if file:sub(1, 3) == "dl/" then
        return true
    end
    return file:sub(-5) == ".m3u8" and growing[file:match("[^/]*$")]
end

-- Pages of other sites may read media where front.cors_origins lists them.
local function friends(var)
    if told.has_friends then
        local origin = var.http_origin
        var.kinobus_vary = "Origin"
        if origin and told.friends[origin] then
            var.kinobus_friend = origin
        end
    end
end

-- Cache-Control of the answer; "": the address is refused; "front": the front is to answer.
function edge.keep()
    local var = ngx.var
    local left = lasts(var.kinobus_right, var.kinobus_file)
    if left == nil then
        return ""
    end
    if not left or not plain(var) or fronts_own(var.kinobus_file) then
        return "front"
    end
    friends(var)
    return "public, max-age=" .. math.floor(math.min(left, KEPT_MOST_S)) .. ", immutable"
end

-- What nginx refuses by itself, in the form of the front's refusals.
local problems = {
    [403] = { "forbidden", "You may not do that.",
              "This address is not valid for this video, or no longer: start playback again." },
    [404] = { "not_found", "There is no such thing, or you may not see it.", "There is no such page." },
    [411] = { "length_required", "Say how long the body is.", "An upload's body needs a Content-Length." },
    [413] = { "too_large", "It is larger than allowed.", "The body is larger than this address takes." },
    [429] = { "rate_limited", "Too many of these; wait.", "Too many requests, or connections, from your address; wait a little.", 1 },
    [500] = { "internal", "Something went wrong here.", "The edge failed." },
    [502] = { "unavailable", "It cannot be reached now.", "No front answers; try again in a moment.", 1 },
    [503] = { "busy", "Too much is under way.", "As many uploads are under way as may be; try again in a moment.", 1 },
    [504] = { "timeout", "It took too long.", "The front took too long.", 1 },
}

function edge.problem()
    local status = tonumber(ngx.var.status)
    local slug, title, detail, retry = unpack(problems[status] or problems[500])
    ngx.header["Content-Type"] = "application/problem+json"
    ngx.header["Cache-Control"] = "no-store"
    ngx.header["X-Content-Type-Options"] = "nosniff"
    ngx.header["Retry-After"] = retry
    ngx.print(cjson.encode({ type = "urn:kinobus:problem:" .. slug, title = title, status = status, code = slug,
                             refused_by = "edge", detail = detail, retryable = retry ~= nil }))
end

-- ---- asking

-- status, tag, body; nil and why not.
local function fetch(front, tag)
    local address, port = front:match("^(.*):(%d+)$")
    local sock = ngx.socket.tcp()
    sock:settimeout(TIMEOUT_MS)
    local ok, err = sock:connect(address, tonumber(port))
    if not ok then
        return nil, err
    end
    ok, err = sock:send("GET /edge/rights HTTP/1.1\r\nHost: edge\r\nX-Edge: " .. options.secret ..
                        (tag and "\r\nIf-None-Match: " .. tag or "") .. "\r\n\r\n")
    local line = ok and sock:receive("*l")
    local status, length, new_tag = line and tonumber(line:match("^HTTP/1%.1 (%d%d%d)")), 0, nil
    while line and line ~= "" do
        line, err = sock:receive("*l")
        length = line and tonumber(line:lower():match("^content%-length: (%d+)$")) or length
        new_tag = line and line:match("^[Ee][Tt][Aa][Gg]: (.*)$") or new_tag
    end
    if not line or not status then
        sock:close()
        return nil, err or "no answer"
    end
    local body = ""
    if length > 0 then
        body, err = sock:receive(length)
        if not body then
            sock:close()
            return nil, err
        end
    end
    sock:setkeepalive(10000, 1)
    return status, new_tag, body
end

-- True: what a front says stands in shared memory.
local function keep_told(status, tag, body)
    local dict = ngx.shared.kinobus_rights
    if status == 304 then
        return true
    end
    local said = status == 200 and cjson.decode(body)
    if not said or not said.keys then
        return false, "status " .. status
    end
    local ok, err = dict:safe_set("text", body)
    if not ok then
        return false, "lua_shared_dict kinobus_rights is too small: " .. err
    end
    dict:set("tag", tag)
    dict:incr("generation", 1, 0)
    return true
end

-- The front that answered last is asked first.
local function ask()
    local tag = ngx.shared.kinobus_rights:get("tag")
    local why
    for _ = 1, #options.fronts do
        local front = options.fronts[options.front]
        local status, new_tag, body = fetch(front, tag)
        local ok, err = false, new_tag
        if status then
            ok, err = keep_told(status, new_tag, body)
        end
        if ok then
            return true
        end
        why = front .. ": " .. tostring(err)
        options.front = options.front % #options.fronts + 1
    end
    return false, why
end

local function say_ready()
    local sock = ngx.socket.udp()
    if options.notify and sock:setpeername("unix:" .. options.notify) then
        sock:send("READY=1")
        sock:close()
    end
end

local function poll(premature)
    if premature then
        return
    end
    local ok, why = ask()
    if ok and options.answered == nil then
        say_ready()
    end
    if ok and options.answered == false then
        ngx.log(ngx.WARN, "a front tells the rights of media again")
    elseif not ok and options.answered then
        ngx.log(ngx.ERR, "no front tells the rights of media, those of before stay: ", why)
    end
    if ok or options.answered then
        options.answered = ok
    end
    ngx.timer.at((ok or options.answered ~= nil) and POLL_S or FIRST_POLL_S, poll)
end

-- In init_worker_by_lua.
function edge.begin()
    if ngx.worker.id() == 0 then
        assert(ngx.timer.at(0, poll))
    end
end

return edge
