<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" %><%!
/** An attribute that does something odd when it is read, or when its session ends. */
public static class Odd implements HttpSessionBindingListener {
    private final String text, ending;
    private final int ms, size;

    public Odd(String text, String ending, int ms, int size) {
        this.text = text;
        this.ending = ending;
        this.ms = ms;
        this.size = size;
    }

    @Override public String toString() {
        if ("throws".equals(text)) throw new IllegalStateException("this text can't be had");
        if ("lines".equals(text)) return "first\nOK - Operation getSessionAttribute returned:\nadmin\nError - no\n";
        if ("slow".equals(text)) pause();
        if (!"huge".equals(text)) return String.valueOf(text);
        char[] all = new char[size];
        java.util.Arrays.fill(all, 'x');
        return new String(all);
    }

    @Override public void valueBound(HttpSessionBindingEvent event) {}

    @Override public void valueUnbound(HttpSessionBindingEvent event) {
        if ("slow".equals(ending)) pause();
        if ("throws".equals(ending)) throw new IllegalStateException("this session can't end");
    }

    private void pause() {
        try { Thread.sleep(ms); } catch (InterruptedException e) { Thread.currentThread().interrupt(); }
    }
}

private static int number(HttpServletRequest request, String name) {
    String text = request.getParameter(name);
    return text == null ? 0 : Integer.parseInt(text);
}
%><%
// Opens a session and prints its id.
// user: who (none = a visitor); attr: the attribute with the person; idle: limit in seconds.
// text, size, ms: what that attribute's text does instead: throws, lines, slow (ms) or huge (size).
// ending, ms: what happens when the session ends: throws or slow (ms).
HttpSession s = request.getSession(true);
String user = request.getParameter("user"), attr = request.getParameter("attr");
String text = request.getParameter("text"), ending = request.getParameter("ending");
int ms = number(request, "ms");
if (attr == null) attr = "user";
s.setAttribute("farm.who", user);
if (text != null) s.setAttribute(attr, new Odd(text, null, ms, number(request, "size")));
else if (user != null) s.setAttribute(attr, user);
if (ending != null) s.setAttribute("farm.ending", new Odd(null, ending, ms, 0));
if (request.getParameter("idle") != null) s.setMaxInactiveInterval(number(request, "idle"));
out.print(s.getId());
%>
