<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" import="org.apache.shiro.subject.SimplePrincipalCollection" %><%
// Signs in as Shiro does with two realms and prints the session's id.
HttpSession s = request.getSession(true);
String name = request.getParameter("user"), key = "org.apache.shiro.subject.support.DefaultSubjectContext_";
SimplePrincipalCollection principals = new SimplePrincipalCollection(name, "directory");
principals.add(name + "@example.org", "mail");
s.setAttribute(key + "PRINCIPALS_SESSION_KEY", principals);
s.setAttribute(key + "AUTHENTICATED_SESSION_KEY", true);
s.setAttribute("farm.who", name);
out.print(s.getId());
%>
