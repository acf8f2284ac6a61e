"""Plans that obey rules: floors and targets of communes, funds, years and crews."""
