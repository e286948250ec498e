<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" %><%
// Prints "session:" and who is signed in, or "none" where the cookie opens nothing.
HttpSession s = request.getSession(false);
Object user = request.getRemoteUser();
if (user == null && s != null) user = s.getAttribute("farm.who");
out.print(s == null && user == null ? "none" : "session:" + (user == null ? "" : user));
%>
