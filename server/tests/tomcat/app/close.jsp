<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" %><%
HttpSession s = request.getSession(false);
if (s != null) s.invalidate();
out.print("closed");
%>
