<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" %><%
// Prints "session:" and who is signed in, or "none" where the cookie opens nothing.
HttpSession s = request.getSession(false);
String attr = request.getParameter("attr");
Object user = s == null ? null : s.getAttribute(attr == null ? "user" : attr);
out.print(s == null ? "none" : "session:" + (user == null ? "" : user));
%>
