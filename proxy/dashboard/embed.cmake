# cmake -D OUTPUT=dashboard.c -P embed.cmake
# Makes one page of page.html with its style sheet and its scripts, and of that a C source. Each of
# these gets its hash into the Content-Security-Policy, so that the browser takes no other.

cmake_minimum_required(VERSION 3.25)
set(folder ${CMAKE_CURRENT_LIST_DIR})

# A script's source in a policy (CSP level 3, section 2.3.1): 'sha256-' and base64 (RFC 4648) of it.
function(source_hash text ret)
    set(digits "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    string(SHA256 hex "${text}")
    set(base64 "")
    string(APPEND hex "00") # 33 bytes are 44 digits, of which the last says nothing
    foreach(at RANGE 0 60 6)
        string(SUBSTRING ${hex} ${at} 6 three)
        foreach(shift 18 12 6 0)
            math(EXPR digit "(0x${three} >> ${shift}) & 63")
            string(SUBSTRING ${digits} ${digit} 1 digit)
            string(APPEND base64 ${digit})
        endforeach()
    endforeach()
    string(SUBSTRING ${base64} 0 43 base64)
    set(${ret} "'sha256-${base64}='" PARENT_SCOPE)
endfunction()

# Puts a file in the place of the tag that names it.
macro(embed tag file element ret_hash)
    file(READ ${folder}/${file} content)
    string(FIND "${page}" "${tag}" at)
    if(at EQUAL -1)
        message(FATAL_ERROR "page.html has no ${tag}")
    endif()
    string(REPLACE "${tag}" "<${element}>${content}</${element}>" page "${page}")
    source_hash("${content}" ${ret_hash})
endmacro()

file(READ ${folder}/page.html page)
string(REGEX MATCHALL "<script src=\"[a-z]+\\.js\">" tags "${page}")
embed("<link rel=\"stylesheet\" href=\"page.css\">" page.css style style_hash)
set(script_hashes "")
foreach(tag IN LISTS tags)
    string(REGEX REPLACE ".*\"(.*)\".*" "\\1" file "${tag}")
    embed("${tag}</script>" ${file} script script_hash)
    string(APPEND script_hashes " ${script_hash}")
endforeach()

# Nothing from elsewhere, nothing to elsewhere, in no frame, and no text that is read as HTML.
string(CONCAT policy "default-src 'none'; connect-src 'self'; img-src data:; "
    "style-src ${style_hash}; script-src${script_hashes}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")

string(HEX "${page}" bytes)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(................................................................................)"
    "\\1\n" bytes "${bytes}")
file(WRITE ${OUTPUT} "/* Made by proxy/dashboard/embed.cmake. */
#include \"proxy/dashboard.h\"

static const unsigned char page[] = {
${bytes}
};

const struct text dashboard_page = {.at = (const char *)page, .count = sizeof page};

static const char policy[] = \"${policy}\";

const struct text dashboard_policy = {.at = policy, .count = sizeof policy - 1};
")
