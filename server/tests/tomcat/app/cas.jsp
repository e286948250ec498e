<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" %><%
// Signs in as the CAS client does (3 and 4 differ in their package) and prints the session's id.
HttpSession s = request.getSession(true);
String name = request.getParameter("user");
Class<?> assertion;
try { assertion = Class.forName("org.jasig.cas.client.validation.AssertionImpl"); }
catch (ClassNotFoundException e) { assertion = Class.forName("org.apereo.cas.client.validation.AssertionImpl"); }
s.setAttribute("_const_cas_assertion_", assertion.getConstructor(String.class).newInstance(name));
s.setAttribute("farm.who", name);
out.print(s.getId());
%>
