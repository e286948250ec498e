<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" %><%
// Opens a session and prints its id. user: who (none = a visitor); attr: the attribute's name; idle: limit in seconds.
HttpSession s = request.getSession(true);
String user = request.getParameter("user"), attr = request.getParameter("attr"), idle = request.getParameter("idle");
if (user != null) s.setAttribute(attr == null ? "user" : attr, user);
if (idle != null) s.setMaxInactiveInterval(Integer.parseInt(idle));
out.print(s.getId());
%>
