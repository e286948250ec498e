<%@ page session="false" contentType="text/plain; charset=UTF-8" trimDirectiveWhitespaces="true" import="org.apereo.portal.security.*,org.apereo.portal.security.provider.PersonImpl,org.springframework.security.core.context.*,org.springframework.security.web.authentication.*,org.springframework.security.web.authentication.preauth.*" %><%!
/** Prints as uPortal's own details of a user do, whose class is in a module that can't be had alone. */
public static class Details {
    private final String user;
    public Details(String user) { this.user = user; }
    @Override public String toString() { return "UserDetails for user " + user; }
}
%><%
// Signs in as uPortal 5.17 does: a session there was is ended and a new one made. Prints the new id.
// user: who, guest = a visitor; mail: one more attribute of the person; clicked: with Spring's context, as after the
// first click; raw: without the factory that the person's text needs.
if (request.getParameter("raw") == null) new PersonFactory().init();
HttpSession old = request.getSession(false);
if (old != null) old.invalidate();
HttpSession s = request.getSession(true);
String user = request.getParameter("user"), mail = request.getParameter("mail");
PersonImpl person = new PersonImpl();
person.setID(42);
person.setUserName(user);
if (!"guest".equals(user)) {
    person.setFullName("Real " + user);
    person.setAttribute("password", "S3cret!");
    s.setAttribute("COOKIE_CHECK_REFERER", "/uPortal/Login?userName=" + user + "&password=S3cret!");
}
if (mail != null) person.setAttribute("mail", mail);
s.setAttribute("org.apereo.portal.security.IPerson", person);
if (request.getParameter("clicked") != null) {
    PreAuthenticatedAuthenticationToken token = new PreAuthenticatedAuthenticationToken(
        new Details(user), "S3cret!", new java.util.ArrayList<org.springframework.security.core.GrantedAuthority>());
    token.setDetails(new WebAuthenticationDetails(request));
    SecurityContextImpl context = new SecurityContextImpl();
    context.setAuthentication(token);
    s.setAttribute("SPRING_SECURITY_CONTEXT", context);
}
s.setAttribute("farm.who", user);
if (request.getParameter("idle") != null) s.setMaxInactiveInterval(Integer.parseInt(request.getParameter("idle")));
out.print(s.getId());
%>
