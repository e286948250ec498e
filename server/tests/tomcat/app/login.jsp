<%@ page contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" %><%
// The sign-in page of the app with FORM: whoever sees it is nobody.
out.print("none");
%>
