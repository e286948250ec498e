<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" %><%
// What an app does at sign-in against session fixation: the same session under a new id.
request.getSession(true);
out.print(request.changeSessionId());
%>
